"""Tombstones: what was forgotten and when, under a keyed hash that names nobody.

The key stands in the log itself. Whoever has the log can therefore test a guess ("was it ann?") and
nothing more; without that, a turn that was in flight could not be told from others.
"""

from __future__ import annotations

import hmac
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import orjson

from contract.chat import NOBODY
from feedback.records import CompletionRecord

Kind = Literal["user", "document"]


@dataclass(frozen=True, slots=True)
class Tombstone:
    """One forgetting. `counts` says how much was erased; `lifted` is when a document was allowed back."""

    id: str
    kind: Kind
    created: float
    made_by: str
    counts: dict[str, int]
    lifted: float | None = None


def subject(connection: sqlite3.Connection, kind: Kind, value: str) -> str:
    """How a tombstone writes a person's id, or the id of a document, as hex."""
    (key,) = connection.execute("SELECT key FROM tombstone_key").fetchone()
    return hmac.digest(key, f"{kind}\0{value}".encode(), "sha256").hex()


def put_up(connection: sqlite3.Connection, stone: Tombstone, values: Iterable[str]) -> None:
    """Write a tombstone over these ids."""
    connection.execute(
        "INSERT INTO tombstone VALUES (?, ?, ?, ?, ?, NULL)",
        (stone.id, stone.kind, stone.created, stone.made_by, orjson.dumps(stone.counts).decode()),
    )
    connection.executemany(
        "INSERT OR IGNORE INTO tombstone_subject VALUES (?, ?)",
        ((subject(connection, stone.kind, value), stone.id) for value in values),
    )


def tombstones(connection: sqlite3.Connection) -> list[Tombstone]:
    """All of them, the oldest first."""
    rows = connection.execute(
        "SELECT id, kind, created, made_by, counts, lifted FROM tombstone ORDER BY id"
    )
    return [
        Tombstone(stone, kind, created, made_by, orjson.loads(counts), lifted)
        for stone, kind, created, made_by, counts, lifted in rows
    ]


def lift(connection: sqlite3.Connection, ids: Iterable[str], when: float) -> None:
    """Note that documents may come back."""
    connection.executemany(
        "UPDATE tombstone SET lifted = ? WHERE id = ? AND lifted IS NULL",
        ((when, stone) for stone in ids),
    )


def over(connection: sqlite3.Connection, record: CompletionRecord) -> tuple[str, str] | None:
    """The tombstone that a turn falls under, and who put it up: the turn began before its person was
    forgotten, or was shown a document that is."""
    if connection.execute("SELECT 1 FROM tombstone LIMIT 1").fetchone() is None:
        return None
    hashes = [subject(connection, "user", name) for name in people_of(record)]
    hashes += [subject(connection, "document", found) for found in documents_of(record)]
    row = connection.execute(
        "SELECT t.id, t.made_by FROM tombstone_subject s JOIN tombstone t ON t.id = s.tombstone "
        "WHERE s.subject IN (SELECT value FROM json_each(?)) "
        "AND (t.created >= ? OR (t.kind = 'document' AND t.lifted IS NULL)) LIMIT 1",
        (orjson.dumps(hashes).decode(), record.created),
    ).fetchone()
    return None if row is None else (row[0], row[1])


def count_late(connection: sqlite3.Connection, stone: str) -> None:
    """Count a turn that landed after its tombstone, and without its texts."""
    connection.execute(
        "UPDATE tombstone SET counts = json_set(counts, '$.late_turns', "
        "coalesce(json_extract(counts, '$.late_turns'), 0) + 1) WHERE id = ?",
        (stone,),
    )


def people_of(record: CompletionRecord) -> set[str]:
    """Every id that names the person of a turn."""
    named = (
        record.person,
        record.made_by,
        record.request.get("user"),
        record.request.get("safety_identifier"),
    )
    return {name for name in named if isinstance(name, str) and name not in ("", NOBODY)}


def documents_of(record: CompletionRecord) -> set[str]:
    """The ids of the documents that a turn was shown."""
    return {str(p["document_id"]) for p in record.passages if p.get("document_id")}
