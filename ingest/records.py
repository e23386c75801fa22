"""The catalogue's rows as ingest reads and writes them."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from contract.filters import Attribute
from ingest.report import Status
from ingest.split import Piece

LabelSource = Literal["", "file", "command"]


@dataclass(frozen=True, slots=True)
class Known:
    """A document as a run leaves it. The fields are those of the catalogue (retrieval/catalogue.py)."""

    id: str
    collection: str
    location: Path
    path: str
    stamp: str
    content_hash: str
    recipe: str
    status: Status
    reason: str = ""
    title: str = ""
    chars: int = 0
    labels: tuple[str, ...] = ()
    label_source: LabelSource = ""
    attributes: dict[str, Attribute] = field(default_factory=dict)
    modified: float = 0.0
    ingested: float = 0.0
    chunks: int = 0


def known_documents(connection: sqlite3.Connection, collection: str) -> dict[Path, Known]:
    """All documents of a collection by location."""
    rows = connection.execute(
        "SELECT id, collection, location, path, stamp, content_hash, recipe, status, reason, title, "
        "chars, labels, label_source, attributes, modified, ingested, "
        "(SELECT count(*) FROM chunk c WHERE c.document = d.number) "
        "FROM document d WHERE collection = ?",
        (collection,),
    )
    found = (_known(row) for row in rows)
    return {known.location: known for known in found}


def _known(row: Sequence[Any]) -> Known:
    labels, attributes = tuple(json.loads(row[11])), json.loads(row[13])
    return Known(*(*row[:2], Path(row[2]), *row[3:11], labels, row[12], attributes, *row[14:]))


def forget_document(connection: sqlite3.Connection, document: str) -> None:
    """Remove a document and its chunks."""
    connection.execute("DELETE FROM document WHERE id = ?", (document,))


def write_document(
    connection: sqlite3.Connection,
    known: Known,
    pieces: Sequence[Piece],
    keys: Sequence[bytes],
) -> None:
    """Replace a document and its chunks; `keys` are the embedding keys of the pieces."""
    forget_document(connection, known.id)
    number = connection.execute(
        "INSERT INTO document (id, collection, location, path, stamp, content_hash, recipe, status, "
        "reason, title, chars, labels, label_source, attributes, modified, ingested) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            known.id,
            known.collection,
            str(known.location),
            known.path,
            known.stamp,
            known.content_hash,
            known.recipe,
            known.status,
            known.reason,
            known.title,
            known.chars,
            *_said(known),
            known.modified,
            time.time(),
        ),
    ).lastrowid
    connection.executemany(
        'INSERT INTO chunk (document, ordinal, start, "end", page, heading, text, embedding_key) '
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (number, ordinal, piece.start, piece.end, piece.page, piece.heading, piece.text, key)
            for ordinal, (piece, key) in enumerate(zip(pieces, keys, strict=True))
        ),
    )


def update_document(connection: sqlite3.Connection, known: Known) -> None:
    """What can change about a document whose content did not: where it is, and what is said of it."""
    connection.execute(
        "UPDATE document SET path = ?, stamp = ?, modified = ?, labels = ?, label_source = ?, "
        "attributes = ? WHERE id = ?",
        (known.path, known.stamp, known.modified, *_said(known), known.id),
    )


def _said(known: Known) -> tuple[str, str, str]:
    labels = json.dumps(sorted(known.labels), ensure_ascii=False)
    attributes = json.dumps(known.attributes, ensure_ascii=False, sort_keys=True)
    return labels, known.label_source, attributes
