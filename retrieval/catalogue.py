"""The catalogue: documents, chunks and their search terms, in one SQLite file.

One ingest is one transaction, so a reader sees the index before it or after it and never between.
A reader holds a read transaction (a snapshot) for as long as it serves one version.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from contract.errors import ConfigurationError, IndexMismatch
from contract.passage import Chunk

SCHEMA = 1

_TABLES = (
    """
    CREATE TABLE state (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        manifest TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE document (
        id TEXT PRIMARY KEY,
        collection TEXT NOT NULL,
        location TEXT NOT NULL,      -- resolved path: what the file is
        path TEXT NOT NULL,          -- the path as ingested: what people see
        content_hash TEXT NOT NULL,
        recipe TEXT NOT NULL,        -- how it was read and split; another recipe means: read it again
        status TEXT NOT NULL,
        reason TEXT NOT NULL DEFAULT '',
        title TEXT NOT NULL DEFAULT '',
        chars INTEGER NOT NULL DEFAULT 0,
        UNIQUE (collection, location)
    )
    """,
    """
    CREATE TABLE chunk (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        document_id TEXT NOT NULL REFERENCES document(id) ON DELETE CASCADE,
        ordinal INTEGER NOT NULL,
        start INTEGER NOT NULL,
        "end" INTEGER NOT NULL,
        page INTEGER,
        heading TEXT NOT NULL,
        text TEXT NOT NULL,
        embedding_key BLOB NOT NULL,
        UNIQUE (document_id, ordinal)
    )
    """,
    """
    CREATE VIRTUAL TABLE chunk_terms USING fts5 (
        collection, heading, body, tokenize = "unicode61 remove_diacritics 0"
    )
    """,
    """
    CREATE VIRTUAL TABLE chunk_vocabulary USING fts5vocab (chunk_terms, row)
    """,
)

_CHUNK_COLUMNS = (
    'c.id, c.document_id, d.path, d.title, c.ordinal, c.start, c."end", c.page, c.heading, c.text'
)


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Open or create the catalogue, in a transaction that the caller commits or rolls back.

    Raises:
        ConfigurationError: another ingest is writing, or the file is no catalogue.
    """
    connection = sqlite3.connect(path, isolation_level=None, timeout=0)
    check_schema(connection, path)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        connection.close()
        raise ConfigurationError(
            f"Another ingest is writing to {path.parent} ({error}). Wait until it is done."
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


def fetch_chunks(connection: sqlite3.Connection, ids: list[int]) -> dict[int, Chunk]:
    """Chunks by id; ids that do not exist are left out."""
    marks = ",".join("?" * len(ids))
    rows = connection.execute(
        f"SELECT {_CHUNK_COLUMNS} FROM chunk c JOIN document d ON d.id = c.document_id "
        f"WHERE c.id IN ({marks})",
        ids,
    )
    return {row[0]: Chunk(*row) for row in rows}


def fetch_document_chunks(connection: sqlite3.Connection, document_id: str) -> list[Chunk]:
    """All chunks of one document, in order."""
    rows = connection.execute(
        f"SELECT {_CHUNK_COLUMNS} FROM chunk c JOIN document d ON d.id = c.document_id "
        "WHERE d.id = ? ORDER BY c.ordinal",
        (document_id,),
    )
    return [Chunk(*row) for row in rows]


def fetch_embedding_keys(
    connection: sqlite3.Connection, collection: str
) -> list[tuple[int, bytes]]:
    """Chunk id and embedding key of every chunk of a collection."""
    return connection.execute(
        "SELECT c.id, c.embedding_key FROM chunk c JOIN document d ON d.id = c.document_id "
        "WHERE d.collection = ? ORDER BY c.id",
        (collection,),
    ).fetchall()
