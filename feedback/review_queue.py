"""Which turns need a person: kept beside the log, in the transaction that changes why."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

from contract.access import Access
from feedback.rows import admits

Reason = Literal["judge_failed", "unsure", "refused", "regenerated", "disliked"]
REASONS: tuple[Reason, ...] = get_args(Reason)
State = Literal["open", "done", "all"]


@dataclass(frozen=True, slots=True)
class Queued:
    """Which turns of the queue are asked for; None and an empty tuple ask for all.

    Attributes:
        reasons: turns with at least one of these.
        state: a turn is done where a ruling or a correction stands on it.
        since, until: seconds since 1970; `until` itself is not in it.
    """

    reasons: tuple[Reason, ...] = ()
    state: State = "open"
    collection: str | None = None
    language: str | None = None
    policy_version: str | None = None
    since: float | None = None
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A turn in the queue."""

    completion_id: str
    reasons: tuple[Reason, ...]
    done: bool


def place_of(connection: sqlite3.Connection, completion_id: str) -> Place | None:
    """The place of one turn; None where nothing speaks for looking at it."""
    row = connection.execute(
        "SELECT completion_id, reasons, done FROM review WHERE completion_id = ?", (completion_id,)
    ).fetchone()
    return None if row is None else _place(row)


def queued(
    connection: sqlite3.Connection,
    asked: Queued,
    access: Access,
    *,
    after: str = "",
    newest_first: bool = True,
) -> Iterator[Place]:
    """The turns that this caller may see, in the order of their time; `after` is the one before the first."""
    where, values = _condition(asked)
    if after:
        where += f" AND completion_id {'<' if newest_first else '>'} ?"
        values.append(after)
    order = "DESC" if newest_first else "ASC"
    query = f"SELECT * FROM review WHERE {where} ORDER BY completion_id {order}"
    for row in connection.execute(query, values):
        if admits(access, row["labels"]):
            yield _place(row)


def count_queued(connection: sqlite3.Connection, asked: Queued, access: Access) -> int:
    """How many turns that is."""
    where, values = _condition(asked)
    query = f"SELECT labels, count(*) AS number FROM review WHERE {where} GROUP BY labels"
    rows = connection.execute(query, values)
    return sum(row["number"] for row in rows if admits(access, row["labels"]))


def names_of(bits: int) -> tuple[Reason, ...]:
    """The reasons whose bits are set, as the schema numbers them."""
    return tuple(name for place, name in enumerate(REASONS) if bits >> place & 1)


def bits_of(reasons: Collection[Reason]) -> int:
    """The same the other way round."""
    return sum(1 << REASONS.index(name) for name in set(reasons))


def _place(row: sqlite3.Row) -> Place:
    return Place(row["completion_id"], names_of(row["reasons"]), bool(row["done"]))


def _condition(asked: Queued) -> tuple[str, list[Any]]:
    named: dict[str, Any] = {
        "reasons & ?": bits_of(asked.reasons) or None,
        "done = ?": None if asked.state == "all" else int(asked.state == "done"),
        "collection = ?": asked.collection,
        "language = ?": asked.language,
        "policy_version = ?": asked.policy_version,
        "created >= ?": asked.since,
        "created < ?": asked.until,
    }
    wanted = {condition: value for condition, value in named.items() if value is not None}
    return " AND ".join(["true", *wanted]), list(wanted.values())
