"""Forgetting in the log: verified answers in the words of a person, and what repeats them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

import orjson

from contract.verified import VERSION

_TEXTS = ("question", "answer", "instructions", "passages", "sources", "withheld_reason")


def verified_in_words_of(connection: sqlite3.Connection, person: str) -> dict[str, str]:
    """Verified answers that are a correction by this person, or hold what they wrote when they made it; each
    with its turn."""
    rows = connection.execute(
        "SELECT id, completion_id FROM verified_answer WHERE asked != '' AND ("
        "(own_words AND made_by = :id) OR feedback_id IN (SELECT id FROM feedback WHERE rater = :id "
        "OR json_extract(body, '$.rater') = :id)) ORDER BY id",
        {"id": person},
    )
    return dict(rows.fetchall())


def answered_by(connection: sqlite3.Connection, verified: Iterable[str]) -> list[str]:
    """The turns that these verified answers answered."""
    versions = [VERSION + identifier for identifier in verified]
    if not versions:
        return []
    rows = connection.execute(
        "SELECT id FROM completion WHERE deleted IS NULL AND policy_version IN "
        "(SELECT value FROM json_each(?)) ORDER BY id",
        (orjson.dumps(versions).decode(),),
    )
    return [i for (i,) in rows]


def has_made_verified(connection: sqlite3.Connection, person: str) -> bool:
    """Does a verified answer bear this name, as who made or withdrew it?"""
    query = "SELECT 1 FROM verified_answer WHERE made_by = ? OR reason = ? LIMIT 1"
    return connection.execute(query, (person, f"withdrawn by {person}")).fetchone() is not None


def verified_cells(connection: sqlite3.Connection, column: str, value: str) -> list[str]:
    """The texts in the verified answers with this id, or of this turn."""
    columns = ", ".join(_TEXTS)
    rows = connection.execute(
        f"SELECT {columns} FROM verified_answer WHERE {column} = ? AND asked != ''", (value,)
    )
    return [cell for row in rows for cell in row if cell]
