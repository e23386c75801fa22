"""Documents leave an index for good: rows, vectors, full-text terms, earlier versions, and their bytes.

An ordinary ingest is content that nothing finds a document any more. SQLite keeps what it deleted in
free pages, tantivy in segments until they are merged, and the version before stays on disk. Here
everything is written anew from what is left, and the old bytes go as soon as nobody reads them.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from contract.errors import ConfigurationError
from contract.files import write_atomically
from contract.passage import Chunk
from contract.wal import cut_off, within
from retrieval import catalogue
from retrieval.embeddings import Embeddings
from retrieval.generation import sweep
from retrieval.maintain import write_anew
from retrieval.manifest import CATALOGUE, MANIFEST, Manifest

# A server looks for a new version this often (retrieval/follow.py), and needs a moment to open it.
_SECONDS_BETWEEN_NUDGES = 1.5


@dataclass(frozen=True, slots=True)
class Indexed:
    """A document of the catalogue. `chunks` is their number."""

    id: str
    collection: str
    location: Path
    path: str
    title: str
    content_hash: str
    chunks: int


def indexed_documents(folder: Path) -> list[Indexed]:
    """Every document of an index, also those that could not be read; none without an index."""
    if not (folder / CATALOGUE).is_file():
        return []
    connection = catalogue.open_snapshot(folder / CATALOGUE)
    try:
        rows = connection.execute(
            "SELECT id, collection, location, path, title, content_hash, "
            "(SELECT count(*) FROM chunk c WHERE c.document = d.number) FROM document d ORDER BY id"
        )
        return [
            Indexed(document, collection, Path(location), path, title, content, chunks)
            for document, collection, location, path, title, content, chunks in rows
        ]
    finally:
        connection.close()


def read_chunks(folder: Path, documents: Sequence[Indexed]) -> Iterator[Chunk]:
    """What the index holds of documents."""
    if not documents:
        return
    connection = catalogue.open_snapshot(folder / CATALOGUE)
    try:
        for document in documents:
            yield from catalogue.fetch_document_chunks(connection, document.id)
    finally:
        connection.close()


def read_vectors(folder: Path, documents: Sequence[Indexed]) -> list[bytes]:
    """The stored keys and vectors of documents, as they stand on disk, but for those of texts that
    stand in other documents too."""
    if not documents:
        return []
    connection = catalogue.open_snapshot(folder / CATALOGUE)
    try:
        content = catalogue.read_manifest(connection)
        if content is None:
            return []
        going = {document.id for document in documents}
        rows = connection.execute(
            "SELECT d.id, c.embedding_key FROM chunk c JOIN document d ON d.number = c.document"
        ).fetchall()
    finally:
        connection.close()
    staying = {key for document, key in rows if document not in going}
    keys = [key for document, key in rows if document in going and key not in staying]
    store = _store(folder, Manifest.model_validate_json(content), read_only=True)
    try:
        return list(store.traces(keys))
    finally:
        store.close()


def check_writable(folder: Path, wait_seconds: float) -> None:
    """Is there anything in the way of withdrawing documents now?

    Raises:
        ConfigurationError: another ingest does not end in time, or the index is unfinished.
    """
    if (folder / CATALOGUE).is_file():
        connection = catalogue.open_for_writing(folder / CATALOGUE, wait_seconds)
        try:
            _manifest(connection, folder)
        finally:
            connection.close()


def withdraw(
    folder: Path,
    documents: Sequence[Indexed],
    keep_out: Callable[[], None],
    *,
    flat_limit: int,
    wait_seconds: float,
) -> None:
    """Publish a version without these documents, written from nothing but what is left.

    `keep_out` is called under the lock of the index, before anything leaves: no ingest brings back what
    is on its way out. Without an index there is only that to do.

    Raises:
        ConfigurationError: another ingest does not end in time, or the index is unfinished or damaged.
    """
    if not (folder / CATALOGUE).is_file():
        keep_out()
        return
    connection = catalogue.open_for_writing(folder / CATALOGUE, wait_seconds)
    try:
        manifest = _manifest(connection, folder)
        keep_out()
        connection.executemany(
            "DELETE FROM document WHERE id = ?", ((document.id,) for document in documents)
        )
        write_anew(folder, connection, manifest, flat_limit)
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        connection.close()


def wipe(folder: Path, wait_seconds: float) -> list[Path]:
    """Get what was deleted off the disk, and have servers let go of it.

    Returns:
        Databases that somebody writes, or of which somebody still reads an older state, after
        `wait_seconds`; what was deleted may stand in them until then.
    """
    path = folder / CATALOGUE
    if not path.is_file():
        return []
    try:
        connection = catalogue.open_for_writing(path, wait_seconds)
    except ConfigurationError:
        return [path]
    try:
        manifest = _manifest(connection, folder)
        connection.execute("ROLLBACK")
        connection.execute("VACUUM")
        held = [] if _let_go(connection, folder, wait_seconds) else [path]
        connection.execute("BEGIN IMMEDIATE")
        manifest = _manifest(connection, folder)
        sweep(folder, [manifest])
        store = _store(folder, manifest)
        try:
            store.keep_only(
                {key for (key,) in connection.execute("SELECT embedding_key FROM chunk")}
            )
            store.compact()
            if not within(wait_seconds, store.cut_off):
                held.append(store.path)
        finally:
            store.close()
            connection.execute("ROLLBACK")
        return held
    except sqlite3.OperationalError:  # an ingest has begun meanwhile
        return [path]
    finally:
        connection.close()


def _let_go(connection: sqlite3.Connection, folder: Path, wait_seconds: float) -> bool:
    """Cut the catalogue's write-ahead log off once nobody reads from it.

    A server holds the version that it serves. It lets go when the copy of the manifest is written
    again; twice, for the first version that it opens then is still read from the write-ahead log.
    """
    nudged = 0.0

    def cut() -> bool:
        nonlocal nudged
        if cut_off(connection):
            return True
        if time.monotonic() - nudged >= _SECONDS_BETWEEN_NUDGES:
            nudged = time.monotonic()
            content = catalogue.read_manifest(connection)
            write_atomically(folder / MANIFEST, (content or "").encode())
        return False

    return within(wait_seconds, cut)


def _manifest(connection: sqlite3.Connection, folder: Path) -> Manifest:
    content = catalogue.read_manifest(connection)
    if content is None:
        raise ConfigurationError(f"The index at {folder} is unfinished. Run `plumbline ingest`.")
    return Manifest.model_validate_json(content)


def _store(folder: Path, manifest: Manifest, *, read_only: bool = False) -> Embeddings:
    made_by = manifest.encoder
    return Embeddings(folder, made_by.fingerprint, made_by.dimensions, read_only=read_only)
