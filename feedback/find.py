"""Feedback is found, and it is said of each piece whether it counts."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from feedback.fit import misfit
from feedback.records import FeedbackRecord
from feedback.rows import feedback_of

State = Literal["counts", "superseded", "waiting", "unfit"]
STATES: tuple[State, ...] = ("counts", "superseded", "waiting", "unfit")

Order = Literal["time", "newest", "turn"]

# What is chosen and put in order first holds no join: a log has many rows, and a page shows few of them.
_CHOSEN = """
SELECT * FROM feedback
WHERE completion_id NOT IN (SELECT id FROM completion WHERE deleted IS NOT NULL)
"""
_QUERY = """
SELECT f.*,
    (SELECT policy_version FROM completion WHERE id = f.completion_id) AS policy,
    (SELECT min(l.id) FROM feedback l WHERE l.completion_id = f.completion_id AND l.supersedes = f.id)
        AS superseded_by,
    (SELECT served FROM candidate WHERE id = json_extract(f.body, '$.candidate_id')) AS served
FROM ({chosen}) f ORDER BY {order}
"""
_ORDERS: dict[Order, str] = {
    "time": "created, id",
    "newest": "created DESC, id DESC",
    "turn": "completion_id, created, id",
}
_CONDITIONS = {
    "since": "created >= ?",
    "until": "created < ?",
    "type": "type = ?",
    "rater": "rater = ?",
    "completion": "completion_id = ?",
    "policy": "completion_id IN (SELECT id FROM completion WHERE policy_version = ?)",
}


@dataclass(frozen=True, slots=True)
class Selection:
    """Which feedback is asked for; None asks for all. Times are seconds since 1970."""

    since: float | None = None
    until: float | None = None
    type: str | None = None
    rater: str | None = None
    completion: str | None = None
    policy: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A piece of feedback and what became of it.

    Attributes:
        state: `waiting` for its turn to land; `unfit` where it names an answer to something else.
        why: what superseded it, or why it does not fit.
        policy: the version that answered; None while the turn has not landed.
        on_served: whether it is about what was served, and not about another candidate.
    """

    row: FeedbackRecord
    state: State
    why: str
    policy: str | None
    on_served: bool


def find(
    connection: sqlite3.Connection,
    selection: Selection,
    *,
    order: Order = "time",
    limit: int | None = None,
) -> Iterator[Found]:
    """Feedback, what no longer counts included; that on deleted turns has nothing in it and is left out."""
    chosen = _CHOSEN
    values: list[float | str] = []
    for name, condition in _CONDITIONS.items():
        value = getattr(selection, name)
        if value is not None:
            chosen += f" AND {condition}"
            values.append(value)
    if limit is not None:
        chosen += f" ORDER BY {_ORDERS[order]} LIMIT ?"
        values.append(limit)
    query = _QUERY.format(chosen=chosen, order=_ORDERS[order])
    for row in connection.execute(query, values):
        yield _found(connection, row)


def to_wire(found: Found) -> dict[str, Any]:
    """One piece of feedback as `GET /v1/feedback` and `plumbline feedback list --json` show it."""
    row = found.row
    said = {name: value for name, value in row.body.items() if name not in ("id", "type", "rater")}
    wire = {
        "id": row.id,
        "object": "plumbline.feedback",
        "created": int(row.created),
        "completion_id": row.completion_id,
        "type": row.type,
        "rater": row.rater,
        **said,
        "state": found.state,
    }
    if found.state == "superseded":
        wire["superseded_by"] = found.why
    if found.state == "unfit":
        wire["reason"] = found.why
    return wire


def _found(connection: sqlite3.Connection, row: sqlite3.Row) -> Found:
    record = feedback_of(row)
    state: State = "counts"
    why: str | None = None
    if row["superseded_by"] is not None:
        state, why = "superseded", row["superseded_by"]
    elif row["policy"] is None:
        state = "waiting"
    else:
        why = misfit(connection, record)
        state = "unfit" if why is not None else "counts"
    return Found(record, state, why or "", row["policy"], row["served"] in (None, 1))
