"""Forgetting a document: out of the index for good, with the turns that were shown or repeat it."""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from contract.errors import ConfigurationError, NotFound
from contract.ids import uuid7
from contract.settings import Settings
from contract.wal import cut_off, within
from feedback.forget import Found, collections, count, erase_found, saying, seal, shown
from feedback.log import Log
from feedback.tombstones import Tombstone, lift
from forget.outcome import Outcome
from forget.person import MOST_STRETCHES, sample
from forget.traces import Traces, spread, stretches
from retrieval.catalogue import document_id
from retrieval.forgotten import EMPTY, Forgotten, content_of
from retrieval.withdraw import (
    Indexed,
    check_writable,
    indexed_documents,
    read_chunks,
    read_vectors,
    wipe,
    withdraw,
)
from server.forget_upload import forget_uploads
from server.uploads import Uploads

# The first bytes of a vector tell it from all others.
_OF_A_VECTOR = 32


@dataclass(frozen=True, slots=True)
class Target:
    """What is meant by a path: documents of the index, and all that would be one of them.

    Attributes:
        places: where they lie, or would.
        contents: SHA-256 of what they hold; a copy under another name is the same document.
        ids: every id that the log may know them by.
    """

    documents: list[Indexed]
    places: set[Path]
    contents: set[str]
    ids: set[str]


def find_target(settings: Settings, log: Log, path: str) -> Target:
    """The documents that have this path, as it lies on disk, as it was ingested, or as the name of an
    upload, in every collection; and every copy of them.

    Raises:
        ConfigurationError: it is a folder.
    """
    if Path(path).is_dir():
        raise ConfigurationError(f"{path} is a folder. Name one document.")
    uploads = Uploads(settings.documents)
    everything = indexed_documents(settings.index)
    with log.reading() as connection:
        names = collections(connection) | {d.collection for d in everything}
    names.add(settings.retrieval.collection)
    places = {Path(path).resolve(), *(uploads.path(name, path) for name in names)}
    meant = [
        d
        for d in everything
        if d.location in places
        or path in (d.path, d.id)
        or (d.title == path and uploads.holds(str(d.location)))
    ]
    places |= {document.location for document in meant}
    contents = {c for place in places if (c := content_of(place)) is not None}
    contents |= {document.content_hash for document in meant}
    contents -= {"", EMPTY}
    meant += [d for d in everything if d.content_hash in contents and d.location not in places]
    places |= {document.location for document in meant}
    ids = {document.id for document in meant}
    ids |= {document_id(name, place) for name in names for place in places}
    return Target(meant, places, contents, ids)


def survey_document(
    settings: Settings, connection: sqlite3.Connection, target: Target, path: str
) -> tuple[Found, Outcome]:
    """What there is of a document, as an outcome in which nothing has been done yet.

    Raises:
        NotFound: nobody knows it.
    """
    found = shown(connection, target.ids)
    own = _own_stretches(settings.index, target.documents)
    if own:
        traces = Traces(own)
        found += saying(connection, lambda content: bool(traces.found_in(content)))
    counts = Counter(
        documents=len(target.documents), chunks=sum(d.chunks for d in target.documents)
    )
    counts += count(connection, found)
    known = Forgotten(settings.index)
    if not counts and not any(p.exists() or known.holds_place(p) for p in target.places):
        raise NotFound(f"Neither index nor log knows {path}, and there is no such file.")
    notes = _notes(settings, target, path)
    return found, Outcome("document", None, counts, notes, own, found=found)


def forget_document(
    settings: Settings, log: Log, path: str, *, by: str, wait_seconds: float
) -> Outcome:
    """Erase a document from log, index and uploads, and keep it out from now on."""
    target = find_target(settings, log, path)
    check_writable(settings.index, wait_seconds)
    stone = Tombstone(f"forget-{uuid7()}", "document", 0.0, by, {})
    with log.writing() as connection:
        found, outcome = survey_document(settings, connection, target, path)
        searched = _searched(settings, connection, target, found, outcome.stretches)
        counts = erase_found(connection, found, by)
        withdraw(
            settings.index,
            target.documents,
            lambda: Forgotten(settings.index).add(stone.id, target.places, target.contents),
            flat_limit=settings.retrieval.flat_limit,
            wait_seconds=wait_seconds,
        )
        counts["uploads"] = forget_uploads(Uploads(settings.documents), target.places)
        held = wipe(settings.index, wait_seconds)
        counts += Counter(
            documents=len(target.documents), chunks=sum(d.chunks for d in target.documents)
        )
        sealed = seal(
            connection,
            lambda: shown(connection, target.ids),
            replace(stone, counts=counts),
            target.ids,
        )
        if not within(wait_seconds, lambda: cut_off(connection)):
            held.append(settings.log_file)
    return replace(
        outcome, tombstone=sealed.id, counts=sealed.counts, stretches=searched, held=held
    )


def allow_document(settings: Settings, log: Log, path: str, when: float) -> list[str]:
    """Let a document that was forgotten be ingested again. Returns the tombstones that this lifts.

    Raises:
        NotFound: no such document was forgotten.
    """
    target = find_target(settings, log, path)
    lifted = Forgotten(settings.index).lift(target.places)
    if not lifted:
        raise NotFound(
            f"{path} is not kept out. Name the path that was forgotten, or a file with the same "
            "content."
        )
    with log.writing() as connection:
        lift(connection, lifted, when)
    return lifted


def _own_stretches(folder: Path, documents: list[Indexed]) -> set[bytes]:
    """All stretches of the documents' texts that stand in no other document."""
    own = {s for chunk in read_chunks(folder, documents) for s in stretches(chunk.text)}
    if not own:
        return own
    going = {document.id for document in documents}
    others = [d for d in indexed_documents(folder) if d.id not in going]
    traces, shared = Traces(own), set[bytes]()
    for chunk in read_chunks(folder, others):
        shared |= traces.found_in(chunk.text.encode())
    return own - shared


def _searched(
    settings: Settings,
    connection: sqlite3.Connection,
    target: Target,
    found: Found,
    own: set[bytes],
) -> set[bytes]:
    """What the proof looks for: stretches of the document and of the turns, names, and stored vectors."""
    folder, documents = settings.index, target.documents
    names = [chunk.heading for chunk in read_chunks(folder, documents)]
    for document in documents:
        names += [document.title, Path(document.path).name]
    vectors = {
        piece for vector in read_vectors(folder, documents) if any(piece := vector[:_OF_A_VECTOR])
    }
    return {
        *spread(sorted(own), MOST_STRETCHES),
        *spread(sorted(vectors), MOST_STRETCHES),
        *sample(connection, found, MOST_STRETCHES),
        *(s for name in names for s in stretches(name, 1)),
    }


def _notes(settings: Settings, target: Target, path: str) -> list[str]:
    uploads = Uploads(settings.documents)
    notes = []
    named = {str(Path(path).resolve()), path}
    copies = [
        d.title if uploads.holds(str(d.location)) else d.path
        for d in target.documents
        if named.isdisjoint((str(d.location), d.path, d.title, d.id))
    ]
    if copies:
        notes.append(f"Going with it: {', '.join(sorted(copies))}.")
    files = sorted(str(p) for p in target.places if p.exists() and not uploads.holds(str(p)))
    if files:
        notes.append(
            f"{', '.join(files)} stays where it is; a file of yours is never deleted. Ingest passes "
            "over it, under any name, until `plumbline forget --allow`."
        )
    return notes
