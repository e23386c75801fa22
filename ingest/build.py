"""One ingest run: compare, read, split, encode, publish.

The run is one transaction of the catalogue. Vectors are stored by content and committed as they are
made, so a killed run loses no encoding and leaves the index that was there before.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from contract.errors import ConfigurationError, DocumentUnreadable, FormatUnsupported, IndexMismatch
from contract.settings import RetrievalSettings
from ingest.load import VERSION as LOADERS_VERSION
from ingest.load import LoadedDocument, load
from ingest.publish import publish, restore_manifest
from ingest.records import (
    Known,
    document_id,
    forget_document,
    known_documents,
    move_document,
    write_document,
)
from ingest.report import FileReport, Report
from ingest.split import Piece, split
from ingest.walk import Source, walk
from retrieval import catalogue
from retrieval.embeddings import Embeddings, embedding_key
from retrieval.manifest import CATALOGUE, EMBEDDINGS, Manifest
from text.encoder import Encoder

# Encodings are made durable in groups of this many: a kill costs at most their time.
_COMMIT_EVERY = 64

Progress = Callable[[str, int, int], None]


def silent(stage: str, done: int, total: int) -> None:
    """No progress shown."""


@dataclass(frozen=True, slots=True)
class _Draft:
    """A changed file, read and split, waiting for its vectors."""

    known: Known
    title: str
    pieces: list[Piece]
    keys: list[bytes]


class Ingest:
    """Brings one collection of an index folder in step with files."""

    def __init__(
        self,
        folder: Path,
        encoder: Encoder,
        settings: RetrievalSettings,
        *,
        progress: Progress = silent,
    ) -> None:
        self._folder = folder
        self._encoder = encoder
        self._settings = settings
        self._progress = progress
        self._recipe = f"{LOADERS_VERSION}/{settings.chunk_tokens}/{settings.overlap_tokens}"

    def run(
        self,
        roots: Sequence[Path],
        collection: str,
        *,
        prune: bool = False,
        rebuild: bool = False,
    ) -> Report:
        """Ingest files and folders.

        Files that are gone from the given folders leave the index; with `prune`, so does every
        document of the collection that is not below `roots`. With `rebuild`, everything is read
        again, which is also how an index changes to another encoder.

        Raises:
            IndexMismatch: the index was made by another encoder, and `rebuild` is not set.
            ConfigurationError: another ingest is running, or the folder can't be used.
        """
        with self._transaction() as connection:
            previous = self._previous(connection, rebuild)
            report = Report()
            changed = self._update(connection, roots, collection, prune, rebuild, report)
            if changed or previous is None:
                publish(self._folder, connection, self._encoder, self._settings, previous)
            else:
                restore_manifest(self._folder, previous)
            return report

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            connection = catalogue.open_for_writing(self._folder / CATALOGUE)
        except OSError as error:
            raise ConfigurationError(
                f"The index folder {self._folder} can't be used: {error.strerror}."
            ) from error
        try:
            yield connection
        finally:
            # After a commit there is nothing left to roll back.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            connection.close()

    def _previous(self, connection: sqlite3.Connection, rebuild: bool) -> Manifest | None:
        content = catalogue.read_manifest(connection)
        if content is None:
            return None
        manifest = Manifest.model_validate_json(content)
        try:
            manifest.check_encoder(self._encoder)
        except IndexMismatch:
            if not rebuild:
                raise
        return manifest

    def _update(
        self,
        connection: sqlite3.Connection,
        roots: Sequence[Path],
        collection: str,
        prune: bool,
        rebuild: bool,
        report: Report,
    ) -> bool:
        known = known_documents(connection, collection)
        blocked: list[Path] = []
        sources = list(walk(roots, lambda error: blocked.append(Path(error.filename))))
        report.files += [
            FileReport(str(b), "failed", "The folder can't be listed.") for b in blocked
        ]
        visited = {source.location for source in sources}
        if rebuild and not prune:
            others = [
                d for d in known.values() if d.location not in visited and d.location.exists()
            ]
            sources += [Source(Path(d.path), d.location) for d in others]
        drafts, changed = self._compare(connection, sources, known, collection, rebuild, report)
        for document in _gone(
            known, roots, visited | {s.location for s in sources}, prune, blocked
        ):
            forget_document(connection, document.id)
            report.files.append(FileReport(document.path, "removed"))
            changed = True
        report.files += [
            FileReport(str(root), "failed", "There is no such file or folder.")
            for root in roots
            if not root.exists() and root.resolve() not in known
        ]
        self._encode(drafts)
        for draft in drafts:
            write_document(
                connection, draft.known, collection, draft.title, draft.pieces, draft.keys
            )
        return changed or bool(drafts)

    def _compare(
        self,
        connection: sqlite3.Connection,
        sources: Sequence[Source],
        known: dict[Path, Known],
        collection: str,
        rebuild: bool,
        report: Report,
    ) -> tuple[list[_Draft], bool]:
        drafts: list[_Draft] = []
        moved = False
        for number, source in enumerate(sources, 1):
            self._progress("reading", number, len(sources))
            before = known.get(source.location)
            try:
                content = source.location.read_bytes()
            except OSError as error:
                drafts.append(
                    self._unread(source, collection, f"It can't be read: {error.strerror}.")
                )
                report.files.append(_file_report(drafts[-1].known))
                continue
            digest = hashlib.sha256(content).hexdigest()
            if before and not rebuild and self._is_current(before, digest):
                report.files.append(_unchanged(before, str(source.path)))
                if before.path != str(source.path):
                    move_document(connection, before.id, str(source.path))
                    moved = True
                continue
            draft = self._read(source, collection, content, digest)
            report.files.append(_file_report(draft.known))
            drafts.append(draft)
        return drafts, moved

    def _is_current(self, known: Known, digest: str) -> bool:
        same = known.content_hash == digest and known.recipe == self._recipe
        return same and known.status != "failed"

    def _read(self, source: Source, collection: str, content: bytes, digest: str) -> _Draft:
        known = self._known(source, collection, digest)
        try:
            document = load(source.path, content)
        except FormatUnsupported as error:
            return _Draft(replace(known, status="unsupported", reason=error.message), "", [], [])
        except DocumentUnreadable as error:
            return _Draft(replace(known, status="failed", reason=error.message), "", [], [])
        except Exception as error:  # a parser met what its authors did not foresee
            reason = f"The parser failed: {type(error).__name__}."
            return _Draft(replace(known, status="failed", reason=reason), "", [], [])
        return self._split(known, document)

    def _split(self, known: Known, document: LoadedDocument) -> _Draft:
        settings = self._settings
        if not document.text.strip():
            reason = " ".join(document.notes) or _why_empty(known.path)
            return _Draft(replace(known, status="empty", reason=reason), "", [], [])
        pieces = split(document, self._encoder, settings.chunk_tokens, settings.overlap_tokens)
        keys = [embedding_key(self._encoder.fingerprint, p.heading, p.text) for p in pieces]
        reason = " ".join(document.notes)
        known = replace(known, reason=reason, chars=len(document.text), chunks=len(pieces))
        return _Draft(known, document.title, pieces, keys)

    def _unread(self, source: Source, collection: str, reason: str) -> _Draft:
        known = self._known(source, collection, "")
        return _Draft(replace(known, status="failed", reason=reason), "", [], [])

    def _known(self, source: Source, collection: str, digest: str) -> Known:
        return Known(
            id=document_id(collection, source.location),
            location=source.location,
            path=str(source.path),
            content_hash=digest,
            recipe=self._recipe,
            status="indexed",
            reason="",
            chars=0,
            chunks=0,
        )

    def _encode(self, drafts: Sequence[_Draft]) -> None:
        wanted = {key: p for d in drafts for key, p in zip(d.keys, d.pieces, strict=True)}
        store = Embeddings(self._folder / EMBEDDINGS)
        try:
            missing = sorted(store.missing(wanted), key=lambda key: len(wanted[key].text))
            done = 0
            for start in range(0, len(missing), _COMMIT_EVERY):
                keys = missing[start : start + _COMMIT_EVERY]
                pieces = [wanted[key] for key in keys]
                texts = [_encoded_text(piece) for piece in pieces]
                spans = [_encoded_spans(piece) for piece in pieces]
                encodings = self._encoder.encode(texts, spans)
                store.add(zip(keys, (p.sentences for p in pieces), encodings, strict=True))
                done += len(keys)
                self._progress("encoding", done, len(missing))
        finally:
            store.close()


def _encoded_text(piece: Piece) -> str:
    return f"{piece.heading}\n{piece.text}" if piece.heading else piece.text


def _encoded_spans(piece: Piece) -> list[tuple[int, int]]:
    shift = len(piece.heading) + 1 if piece.heading else 0
    return [(start + shift, end + shift) for start, end in piece.sentences]


def _gone(
    known: dict[Path, Known],
    roots: Sequence[Path],
    visited: set[Path],
    prune: bool,
    blocked: Sequence[Path],
) -> list[Known]:
    """Documents that no longer belong: below an existing root and not there, or not named at all.

    A folder that is missing as a whole (an unmounted disk, a slip of the pen) removes nothing, even
    where everything else is to be pruned.
    """
    if prune and not all(root.exists() for root in roots):
        prune = False
    unseen = [folder.resolve() for folder in blocked]
    folders = [root.resolve() for root in roots if root.is_dir()]
    files = {root.resolve() for root in roots if not root.exists()}
    return [
        document
        for location, document in known.items()
        if location not in visited
        and not any(folder in location.parents for folder in unseen)
        and (prune or location in files or any(f in location.parents for f in folders))
    ]


def _unchanged(known: Known, path: str) -> FileReport:
    status = "unchanged" if known.status == "indexed" else known.status
    return FileReport(path, status, known.reason, known.chars, known.chunks)


def _file_report(known: Known) -> FileReport:
    return FileReport(known.path, known.status, known.reason, known.chars, known.chunks)


def _why_empty(path: str) -> str:
    if path.lower().endswith(".pdf"):
        return "No page has a text layer; scanned pages need OCR."
    return "There is no text in it."
