"""What changed since the last run: files against the catalogue, before anything is read."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from contract.errors import DocumentUnreadable
from contract.filters import Attribute
from ingest.labels import Said, Sidecars
from ingest.records import Known, LabelSource
from ingest.report import Status
from ingest.walk import Source, stamp
from retrieval.catalogue import document_id
from retrieval.forgotten import Forgotten

# A file that changed less than this ago may change again within one tick of the clock that stamps it.
_SETTLED_SECONDS = 2.0
_LEADS_OUT = (
    "It is a link to a place outside the given folders. Name that place as well to ingest it."
)
_FORGOTTEN = "It was forgotten and stays out; `plumbline forget --allow PATH` lets it in again."


@dataclass(frozen=True, slots=True)
class Given:
    """What the command line says of the documents of a run. `labels` None: nothing."""

    labels: tuple[str, ...] | None = None
    attributes: Mapping[str, Attribute] | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One file. `known` is what the catalogue should say; for a file to `read`, as far as it is known
    without reading it. `touch` changes nothing that anybody sees."""

    action: Literal["keep", "touch", "update", "read", "fail", "forgotten"]
    known: Known
    is_new: bool


class Survey:
    """Compares files with what the catalogue knows of one collection."""

    def __init__(
        self,
        collection: str,
        known: Mapping[Path, Known],
        recipe: str,
        given: Given,
        forgotten: Forgotten,
        *,
        reread: bool = False,
        checksums: bool = False,
    ) -> None:
        self._collection = collection
        self._known = known
        self._recipe = recipe
        self._given = given
        self._forgotten = forgotten
        self._reread = reread
        self._checksums = checksums
        self._sidecars = Sidecars()

    def look(self, sources: Iterable[Source]) -> Iterator[Finding]:
        """A finding for each file."""
        for source in sources:
            before = self._known.get(source.location)
            if self._forgotten.holds_place(source.location):
                yield self._left_out(source, before)
                continue
            if source.leads_out:
                yield self._failed(source, before, _LEADS_OUT, "unsupported")
                continue
            try:
                fresh = self._fresh(source, before, self._sidecars.of(source.location))
            except OSError as error:
                yield self._failed(source, before, f"It can't be read: {error.strerror}.")
            except DocumentUnreadable as error:
                yield self._failed(source, before, error.message)
            else:
                finding = self._compared(fresh, before)
                copied = finding.action == "read" and self._forgotten.holds_file(source.location)
                yield self._left_out(source, before) if copied else finding

    def _compared(self, fresh: Known, before: Known | None) -> Finding:
        if before is None or self._reread or not self._is_current(fresh, before):
            return Finding("read", fresh, before is None)
        same = replace(
            before,
            path=fresh.path,
            stamp=fresh.stamp,
            modified=fresh.modified,
            labels=fresh.labels,
            label_source=fresh.label_source,
            attributes=fresh.attributes,
        )
        if same == before:
            return Finding("keep", same, False)
        only_touched = replace(same, stamp=before.stamp, modified=before.modified) == before
        return Finding("touch" if only_touched else "update", same, False)

    def _is_current(self, fresh: Known, before: Known) -> bool:
        if before.recipe != fresh.recipe or before.status == "failed":
            return False
        if before.stamp == fresh.stamp and fresh.stamp and not self._checksums:
            return True
        try:
            with before.location.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == before.content_hash
        except OSError:  # reading it will say why
            return False

    def _fresh(self, source: Source, before: Known | None, said: Said) -> Known:
        status = source.location.stat()
        settled = time.time() - status.st_mtime > _SETTLED_SECONDS
        labels, label_source = self._labels(before, said)
        given = self._given.attributes
        if given is None:
            given = before.attributes if before else {}
        return Known(
            id=document_id(self._collection, source.location),
            collection=self._collection,
            location=source.location,
            path=str(source.path),
            stamp=stamp(status) if settled else "",
            content_hash="",
            # A title is encoded with the text.
            recipe=f"{self._recipe}/{said.title}" if said.title else self._recipe,
            status="indexed",
            title=said.title or "",
            labels=labels,
            label_source=label_source,
            attributes={**given, **said.attributes},
            modified=status.st_mtime,
        )

    def _labels(self, before: Known | None, said: Said) -> tuple[tuple[str, ...], LabelSource]:
        """Labels hold until a file or the command line says otherwise: a run that forgets them, or a
        file beside a document that got lost, must not make it public."""
        if said.labels is not None:
            return said.labels, "file"
        if self._given.labels is not None:
            return self._given.labels, "command"
        if before and before.labels:
            return before.labels, "command"
        return (), ""

    def _left_out(self, source: Source, before: Known | None) -> Finding:
        """A document that was forgotten, or a copy of one. Nothing is said of it in the catalogue."""
        found = self._failed(source, before, _FORGOTTEN, "forgotten")
        return replace(found, action="forgotten")

    def _failed(
        self, source: Source, before: Known | None, reason: str, status: Status = "failed"
    ) -> Finding:
        known = Known(
            id=document_id(self._collection, source.location),
            collection=self._collection,
            location=source.location,
            path=str(source.path),
            stamp="",
            content_hash="",
            recipe=self._recipe,
            status=status,
            reason=reason,
            labels=before.labels if before else (),
            label_source=before.label_source if before else "",
        )
        return Finding("fail", known, before is None)


def gone(
    known: Mapping[Path, Known],
    roots: Sequence[Path],
    visited: set[Path],
    blocked: Sequence[Path],
    *,
    prune: bool,
    spared: Sequence[Path] = (),
) -> list[Known]:
    """Documents that no longer belong: below an existing root and not there, or not named at all.

    A folder that is missing as a whole (an unmounted disk, a slip of the pen) removes nothing, even
    where everything else is to be pruned. What is below a `spared` folder is not pruned either: it has
    an owner of its own.
    """
    if prune and not all(root.exists() for root in roots):
        prune = False
    unseen = [folder.resolve() for folder in blocked]
    kept = [folder.resolve() for folder in spared]
    folders = [root.resolve() for root in roots if root.is_dir()]
    files = {root.resolve() for root in roots if not root.exists()}
    return [
        document
        for location, document in known.items()
        if location not in visited
        and not any(folder in location.parents for folder in unseen)
        and (
            location in files
            or any(folder in location.parents for folder in folders)
            or (prune and not any(folder in location.parents for folder in kept))
        )
    ]


def below(known: Mapping[Path, Known], roots: Sequence[Path]) -> list[Known]:
    """Documents that are one of the roots or below one."""
    folders = {root.resolve() for root in roots}
    return [
        document
        for location, document in known.items()
        if location in folders or not folders.isdisjoint(location.parents)
    ]
