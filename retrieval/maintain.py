"""Looking after an index folder: repair from the stored vectors, and reading back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from contract.errors import ConfigurationError, NotFound
from contract.passage import Chunk
from retrieval import catalogue
from retrieval.embeddings import Embeddings
from retrieval.generation import Writer, commit, sweep
from retrieval.manifest import CATALOGUE, Manifest
from text.tables import COLUMNS, STEP


def rebuild(folder: Path, flat_limit: int) -> int:
    """Write the files of every collection anew from the catalogue and the stored vectors, as a version
    of its own; returns how many collections there are.

    Raises:
        ConfigurationError: there is no index, it is unfinished, or a vector is lost.
    """
    catalogue.open_snapshot(folder / CATALOGUE).close()
    connection = catalogue.open_for_writing(folder / CATALOGUE)
    try:
        content = catalogue.read_manifest(connection)
        if content is None:
            raise ConfigurationError(
                f"The index at {folder} is unfinished. Run `plumbline ingest`."
            )
        manifest = Manifest.model_validate_json(content)
        fresh = write_anew(folder, connection, manifest, flat_limit)
        connection.execute("BEGIN IMMEDIATE")
        sweep(folder, [manifest, fresh])
        return len(fresh.collections)
    finally:
        connection.close()


def write_anew(
    folder: Path, connection: sqlite3.Connection, manifest: Manifest, flat_limit: int
) -> Manifest:
    """Write the files of every collection from nothing but what the open transaction sees, and commit
    that as the next version.

    Raises:
        ConfigurationError: a vector is lost.
    """
    generation = manifest.generation + 1
    store = Embeddings(folder, manifest.encoder.fingerprint, manifest.encoder.dimensions)
    writer = Writer(folder, connection, store, flat_limit)
    try:
        collections = {name: writer.write(name, generation, None) for name in manifest.collections}
    except KeyError as error:
        raise ConfigurationError(
            f"The vector of a chunk is lost ({error}). Run `plumbline ingest --rebuild PATH…`."
        ) from error
    finally:
        store.close()
    (documents,) = connection.execute(
        "SELECT count(*) FROM document WHERE status = 'indexed'"
    ).fetchone()
    changed = {
        "generation": generation,
        "collections": collections,
        "documents": documents,
        "chunks": sum(record.chunks for record in collections.values()),
    }
    fresh = manifest.model_copy(update=changed)
    commit(folder, connection, fresh)
    return fresh


def document_text(folder: Path, path: str) -> list[Chunk]:
    """The chunks of the document with this path, as ingested or as it lies on disk.

    Raises:
        NotFound: no document of the index has this path.
    """
    connection = catalogue.open_snapshot(folder / CATALOGUE)
    try:
        row = connection.execute(
            "SELECT id FROM document WHERE path = ? OR location = ?",
            (path, str(Path(path).resolve())),
        ).fetchone()
        chunks = catalogue.fetch_document_chunks(connection, row[0]) if row else []
    finally:
        connection.close()
    if not chunks:
        raise NotFound(f"The index holds no text of {path}.")
    return chunks


def as_read(chunks: Sequence[Chunk]) -> Iterator[str]:
    """The text of a document from its chunks: each heading where it begins, what overlaps once."""
    end, above = 0, _own_title(chunks[0])
    for chunk in chunks:
        steps = [step for step in chunk.heading.split(STEP) if step and COLUMNS not in step]
        fresh = [step for step in steps if step not in above]
        if fresh:
            yield "\n".join(fresh)
        above = [*above[:1], *steps]
        yield chunk.text[max(0, end - chunk.start) :]
        end = max(end, chunk.end)


def _own_title(chunk: Chunk) -> list[str]:
    """A title that is only the file's name is no text of the document."""
    stem = Path(chunk.document).stem.replace("-", " ").replace("_", " ")
    return [chunk.title] if chunk.title == stem else [""]
