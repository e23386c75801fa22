"""Turns and feedback, counted."""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from contract.feedback import score_of
from contract.verified import is_verified
from feedback.faults import fault_of
from feedback.find import STATES, Selection, find

# From this score on (0 bad to 1 good) a rating is a thumb up; up to that one it is a thumb down.
UP, DOWN = 0.75, 0.25

_TURNS = """
SELECT policy_version, decision, json_extract(reply, '$.error.code') AS code, count(*) AS number,
    sum(answered) AS answered,
    sum(decision = 'serve' AND json_extract(reply, '$.choices[0].message.refusal') IS NOT NULL) AS declined
FROM completion WHERE {where} GROUP BY 1, 2, 3 ORDER BY 1
"""
_REWARDS = """
SELECT completion.policy_version, count(*) AS number, avg(k.reward) AS mean
FROM completion JOIN candidate k ON k.completion_id = completion.id
WHERE k.served AND decision = 'serve' AND k.reward IS NOT NULL AND {where} GROUP BY 1
"""


@dataclass(slots=True)
class OfPolicy:
    """What one policy version did, and what people thought of it.

    Attributes:
        served, refused: finished turns; `declined` are those served in which the policy itself refused.
        failed: turns that the server failed, by error code.
        callers_errors: turns that were refused for the request's sake, by error code.
        judged, reward: how many served answers have a reward, and the mean of these.
        up, down, ratings: ratings of what was served; those between count in `ratings` only.
        rated: turns with such a rating.
    """

    served: int = 0
    answered: int = 0
    refused: int = 0
    declined: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    callers_errors: Counter[str] = field(default_factory=Counter)
    hung_up: int = 0
    judged: int = 0
    reward: float | None = None
    rated: int = 0
    ratings: int = 0
    up: int = 0
    down: int = 0

    @property
    def finished(self) -> int:
        """Turns that came to an answer or a refusal."""
        return self.served + self.refused

    @property
    def refusal_share(self) -> float | None:
        """Share of the finished turns that Plumbline or the policy refused."""
        return (self.refused + self.declined) / self.finished if self.finished else None

    @property
    def up_share(self) -> float | None:
        """Share of the ratings that are a thumb up, good, or 4 or 5 of 5."""
        return self.up / self.ratings if self.ratings else None

    def to_wire(self) -> dict[str, Any]:
        """All of it for programs."""
        return {
            "turns": self.finished,
            "served": self.served,
            "answered": self.answered,
            "refused": self.refused,
            "declined": self.declined,
            "refusal_share": self.refusal_share,
            "failed": dict(self.failed),
            "callers_errors": dict(self.callers_errors),
            "hung_up": self.hung_up,
            "mean_reward": self.reward,
            "mean_reward_n": self.judged,
            "rated_turns": self.rated,
            "ratings": self.ratings,
            "thumbs_up": self.up,
            "thumbs_down": self.down,
            "thumbs_up_share": self.up_share,
        }


@dataclass(slots=True)
class Tally:
    """All counts. `imports` are imported turns by their source, `verified` what verified answers answered,
    all together, `raters` what counts by who said it."""

    policies: dict[str, OfPolicy] = field(default_factory=dict)
    verified: OfPolicy = field(default_factory=OfPolicy)
    imports: Counter[str] = field(default_factory=Counter)
    types: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    raters: Counter[str] = field(default_factory=Counter)
    waiting_since: float | None = None
    deleted: int = 0

    def of(self, version: str) -> OfPolicy | None:
        """What answered under this name, where anything did."""
        return self.verified if is_verified(version) else self.policies.get(version)

    def to_wire(self) -> dict[str, Any]:
        """All of it for programs."""
        return {
            "policies": {version: one.to_wire() for version, one in self.policies.items()},
            "verified_answers": self.verified.to_wire(),
            "imports": dict(self.imports),
            "feedback": dict(sorted(self.types.items())),
            "states": {state: self.states[state] for state in STATES},
            "waiting_since": self.waiting_since,
            "raters": dict(self.raters.most_common()),
            "deleted_turns": self.deleted,
        }


def tally(connection: sqlite3.Connection, selection: Selection) -> Tally:
    """Count turns and feedback of a time, a policy version, a turn; `type` and `rater` narrow the feedback
    only."""
    counts = Tally()
    where, values = _conditions(selection)
    for row in connection.execute(_TURNS.format(where=where), values):
        _count_turns(counts, row)
    for row in connection.execute(_REWARDS.format(where=where), values):
        if (one := counts.of(row["policy_version"])) is not None:
            judged = one.judged + row["number"]
            one.reward = ((one.reward or 0.0) * one.judged + row["number"] * row["mean"]) / judged
            one.judged = judged
    query = "SELECT count(*) FROM completion WHERE deleted IS NOT NULL AND " + where
    (counts.deleted,) = connection.execute(query, values).fetchone()
    _count_feedback(counts, connection, selection)
    return counts


def _conditions(selection: Selection) -> tuple[str, list[float | str]]:
    named: dict[str, float | str | None] = {
        "created >= ?": selection.since,
        "created < ?": selection.until,
        "policy_version = ?": selection.policy,
        "completion.id = ?": selection.completion,
    }
    asked = {condition: value for condition, value in named.items() if value is not None}
    return " AND ".join(asked) or "true", list(asked.values())


def _count_turns(counts: Tally, row: sqlite3.Row) -> None:
    version, decision, number = row["policy_version"], row["decision"], row["number"]
    if decision == "import":
        counts.imports[version.removeprefix("import:")] += number
        return
    one = counts.of(version) or counts.policies.setdefault(version, OfPolicy())
    if decision == "refuse":
        one.refused += number
    elif decision == "serve":
        one.served += number
        one.answered += row["answered"]
        one.declined += row["declined"]
    elif row["code"] is not None:  # of a failed turn that was deleted nobody knows why it failed
        fault = fault_of(row["code"])
        if fault == "hung_up":
            one.hung_up += number
        else:
            errors = one.failed if fault == "failed" else one.callers_errors
            errors[row["code"]] += number


def _count_feedback(counts: Tally, connection: sqlite3.Connection, selection: Selection) -> None:
    before = ""
    for found in find(connection, selection, order="turn"):
        row = found.row
        counts.types[row.type] += 1
        counts.states[found.state] += 1
        if found.state == "waiting":
            since = counts.waiting_since
            counts.waiting_since = row.created if since is None else min(since, row.created)
        if found.state != "counts":
            continue
        counts.raters[row.rater or "unknown"] += 1
        one = counts.of(found.policy or "")
        value = row.body.get("value")
        if row.type != "rating" or value is None or not found.on_served or one is None:
            continue
        score = score_of(value)
        one.ratings += 1
        one.up += score >= UP
        one.down += score <= DOWN
        one.rated += row.completion_id != before
        before = row.completion_id
