"""The catalogue: documents and chunks, in one SQLite file.

One ingest is one transaction, so a reader sees the index before it or after it and never between.
A reader holds a read transaction (a snapshot) for as long as it serves one version.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from contract.errors import ConfigurationError, IndexMismatch
from contract.passage import Chunk, DocumentRecord, Source

SCHEMA = 2

_TABLES = (
    """
    CREATE TABLE state (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        manifest TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE document (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        collection TEXT NOT NULL,
        location TEXT NOT NULL,      -- resolved path: what the file is
        path TEXT NOT NULL,          -- the path as ingested: what people see
        stamp TEXT NOT NULL,         -- size and times of the file; while they stay, so does its content
        content_hash TEXT NOT NULL,
        recipe TEXT NOT NULL,        -- how it was read and split; another recipe means: read it again
        status TEXT NOT NULL,
        reason TEXT NOT NULL,
        title TEXT NOT NULL,
        chars INTEGER NOT NULL,
        labels TEXT NOT NULL,        -- JSON, sorted: who may see it
        label_source TEXT NOT NULL,  -- `file`: a file beside it says so; `command`: the command line
        attributes TEXT NOT NULL,    -- JSON object
        modified REAL NOT NULL,
        ingested REAL NOT NULL,
        UNIQUE (collection, location)
    )
    """,
    """
    CREATE TABLE chunk (
        id INTEGER PRIMARY KEY,
        document INTEGER NOT NULL REFERENCES document(number) ON DELETE CASCADE,
        ordinal INTEGER NOT NULL,
        start INTEGER NOT NULL,
        "end" INTEGER NOT NULL,
        page INTEGER,
        heading TEXT NOT NULL,
        text TEXT NOT NULL,
        embedding_key BLOB NOT NULL,
        UNIQUE (document, ordinal)
    )
    """,
)

_CHUNK_COLUMNS = (
    'c.id, d.id, d.path, d.title, c.ordinal, c.start, c."end", c.page, c.heading, c.text, '
    "d.labels, d.attributes, d.modified"
)
_FROM_CHUNKS = "FROM chunk c JOIN document d ON d.number = c.document"
_DOCUMENT_COLUMNS = (
    "d.id, d.collection, d.path, d.title, d.status, d.reason, d.chars, "
    "(SELECT count(*) FROM chunk c WHERE c.document = d.number), "
    "d.labels, d.attributes, d.modified, d.ingested"
)


def document_id(collection: str, location: Path) -> str:
    """The id of a document: it stays when the content changes."""
    return hashlib.sha256(f"{collection}\0{location}".encode()).hexdigest()[:16]


def open_for_writing(path: Path, wait_seconds: float = 0.0) -> sqlite3.Connection:
    """Open or create the catalogue, in a transaction that the caller commits or rolls back.

    Raises:
        ConfigurationError: another ingest is still writing after `wait_seconds`, or the file is no
            catalogue.
    """
    connection = sqlite3.connect(path, isolation_level=None, timeout=wait_seconds)
    check_schema(connection, path)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        connection.close()
        raise ConfigurationError(
            f"Another ingest is writing to {path.parent} ({error}). Wait until it is done, or let "
            "this one wait: --wait SECONDS."
        ) from error
    if connection.execute("PRAGMA user_version").fetchone() == (0,):
        for statement in _TABLES:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA}")
    return connection


def open_snapshot(path: Path) -> sqlite3.Connection:
    """Open the catalogue read-only and pin the version that stands there now."""
    if not path.is_file():
        raise ConfigurationError(f"There is no index at {path.parent}. Run `plumbline ingest`.")
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?mode=ro",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
    )
    check_schema(connection, path)
    connection.execute("BEGIN")
    return connection


def check_schema(connection: sqlite3.Connection, path: Path) -> None:
    """Raise IndexMismatch where the file has another layout, ConfigurationError where it is none."""
    try:
        (found,) = connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.DatabaseError as error:
        connection.close()
        raise ConfigurationError(
            f"The catalogue {path} can't be read ({error}). Remove the folder {path.parent} and "
            "run `plumbline ingest` again."
        ) from error
    if found not in (0, SCHEMA):
        connection.close()
        raise IndexMismatch(
            f"The index {path.parent} has layout {found}, this version reads layout {SCHEMA}. "
            "Remove the folder and run `plumbline ingest` again."
        )


def read_manifest(connection: sqlite3.Connection) -> str | None:
    """The manifest (JSON) of the version that this connection sees; None before the first."""
    has_state = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'state'").fetchone()
    row = connection.execute("SELECT manifest FROM state").fetchone() if has_state else None
    return row[0] if row else None


def fetch_chunks(connection: sqlite3.Connection, ids: Sequence[int]) -> dict[int, Chunk]:
    """Chunks by id; ids that do not exist are left out."""
    marks = ",".join("?" * len(ids))
    rows = connection.execute(
        f"SELECT {_CHUNK_COLUMNS} {_FROM_CHUNKS} WHERE c.id IN ({marks})", ids
    )
    return {row[0]: _chunk(row) for row in rows}


def fetch_embedding_keys(connection: sqlite3.Connection, ids: Sequence[int]) -> dict[int, bytes]:
    """Embedding keys by chunk id."""
    marks = ",".join("?" * len(ids))
    return dict(
        connection.execute(f"SELECT id, embedding_key FROM chunk WHERE id IN ({marks})", ids)
    )


def fetch_document_chunks(connection: sqlite3.Connection, document_id: str) -> list[Chunk]:
    """All chunks of one document, in order."""
    rows = connection.execute(
        f"SELECT {_CHUNK_COLUMNS} {_FROM_CHUNKS} WHERE d.id = ? ORDER BY c.ordinal", (document_id,)
    )
    return [_chunk(row) for row in rows]


def fetch_source(connection: sqlite3.Connection, document_id: str) -> Source | None:
    """A document with what it was made from; None where there is none, or nothing could be read of it."""
    row = connection.execute(
        "SELECT content_hash, collection, labels FROM document WHERE id = ?", (document_id,)
    ).fetchone()
    chunks = fetch_document_chunks(connection, document_id) if row else []
    if not chunks:
        return None
    return Source(row[0], row[1], tuple(orjson.loads(row[2])), tuple(chunks))


def fetch_places(connection: sqlite3.Connection, collection: str) -> list[tuple[int, int, bytes]]:
    """Chunk id, document number and embedding key of every chunk of a collection, by id."""
    return connection.execute(
        f"SELECT c.id, c.document, c.embedding_key {_FROM_CHUNKS} WHERE d.collection = ? "
        "ORDER BY c.id",
        (collection,),
    ).fetchall()


def fetch_words(
    connection: sqlite3.Connection, ids: Sequence[int]
) -> Iterator[tuple[int, int, str, str]]:
    """Chunk id, document number, heading and text of chunks: what the lexical side is made from."""
    for start in range(0, len(ids), 500):
        part = ids[start : start + 500]
        marks = ",".join("?" * len(part))
        yield from connection.execute(
            f"SELECT id, document, heading, text FROM chunk WHERE id IN ({marks}) ORDER BY id", part
        )


def fetch_documents(
    connection: sqlite3.Connection, collection: str | None, after: str
) -> Iterator[DocumentRecord]:
    """Documents of a collection, or of all, in the order of their ids, from behind `after`."""
    rows = connection.execute(
        f"SELECT {_DOCUMENT_COLUMNS} FROM document d "
        "WHERE d.id > ? AND (? IS NULL OR d.collection = ?) ORDER BY d.id",
        (after, collection, collection),
    )
    for row in rows:
        yield DocumentRecord(
            *(*row[:8], tuple(orjson.loads(row[8])), orjson.loads(row[9]), *row[10:])
        )


def _chunk(row: Sequence[Any]) -> Chunk:
    attributes = own_attributes(row[2], row[3], row[12], orjson.loads(row[11]))
    return Chunk(*(*row[:10], tuple(orjson.loads(row[10])), attributes))


def own_attributes(path: str, title: str, modified: float, given: dict[str, Any]) -> dict[str, Any]:
    """What filters see of a document: what it is of itself, and what its owner says of it."""
    own = {
        "path": path,
        "title": title,
        "format": Path(path).suffix.lstrip(".").lower(),
        "modified": modified,
    }
    return {**own, **given}
