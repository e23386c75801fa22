"""The catalogue's rows as ingest writes them."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ingest.report import Status
from ingest.split import Piece
from retrieval.lexical import collection_term, index_terms


@dataclass(frozen=True, slots=True)
class Known:
    """A document as the last run left it."""

    id: str
    location: Path
    path: str
    content_hash: str
    recipe: str
    status: Status
    reason: str
    chars: int
    chunks: int


def document_id(collection: str, location: Path) -> str:
    """The id of a document: it stays when the content changes."""
    return hashlib.sha256(f"{collection}\0{location}".encode()).hexdigest()[:16]


def known_documents(connection: sqlite3.Connection, collection: str) -> dict[Path, Known]:
    """All documents of a collection by location."""
    rows = connection.execute(
        "SELECT id, location, path, content_hash, recipe, status, reason, chars, "
        "(SELECT count(*) FROM chunk c WHERE c.document_id = d.id) "
        "FROM document d WHERE collection = ?",
        (collection,),
    )
    return {Path(row[1]): Known(row[0], Path(row[1]), *row[2:]) for row in rows}


def forget_document(connection: sqlite3.Connection, document: str) -> None:
    """Remove a document and all that was made from it."""
    connection.execute(
        "DELETE FROM chunk_terms WHERE rowid IN (SELECT id FROM chunk WHERE document_id = ?)",
        (document,),
    )
    connection.execute("DELETE FROM document WHERE id = ?", (document,))


def write_document(
    connection: sqlite3.Connection,
    known: Known,
    collection: str,
    title: str,
    pieces: Sequence[Piece],
    keys: Sequence[bytes],
) -> None:
    """Replace a document: its row, chunks and search terms."""
    forget_document(connection, known.id)
    connection.execute(
        "INSERT INTO document VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            known.id,
            collection,
            str(known.location),
            known.path,
            known.content_hash,
            known.recipe,
            known.status,
            known.reason,
            title,
            known.chars,
        ),
    )
    label = collection_term(collection)
    for ordinal, (piece, key) in enumerate(zip(pieces, keys, strict=True)):
        cursor = connection.execute(
            'INSERT INTO chunk (document_id, ordinal, start, "end", page, heading, text, '
            "embedding_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (known.id, ordinal, piece.start, piece.end, piece.page, piece.heading, piece.text, key),
        )
        connection.execute(
            "INSERT INTO chunk_terms (rowid, collection, heading, body) VALUES (?, ?, ?, ?)",
            (cursor.lastrowid, label, index_terms(piece.heading), index_terms(piece.text)),
        )


def move_document(connection: sqlite3.Connection, document: str, path: str) -> None:
    """The same file, written another way on the command line."""
    connection.execute("UPDATE document SET path = ? WHERE id = ?", (path, document))
