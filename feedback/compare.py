"""Two policy versions side by side, by what they did with real traffic and what people said of it.

Turns whose request named its version are left out of everything but the pairs: who asks for a version is
no random share of those who ask.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contract.evaluation import Interval
from contract.feedback import places_of, score_of
from feedback.faults import fault_of
from feedback.find import Found, Selection, find
from feedback.intervals import Mean, mean_difference, share_difference, wilson
from feedback.tally import DOWN, UP

OUTCOMES = ("served", "refused", "declined", "abstained", "regenerated", "review")

_DRAWN = (
    "policy_version IN (:a, :b) AND created >= :since "
    "AND json_extract(request, '$.plumbline.policy') IS NULL"
)
_TURNS = f"""
SELECT policy_version AS version, count(*) AS turns,
    sum(decision = 'serve') AS served,
    sum(decision = 'refuse') AS refused,
    sum(decision = 'serve' AND declines) AS declined,
    sum(decision = 'serve' AND NOT answered AND NOT declines) AS abstained,
    sum(regenerated) AS regenerated,
    sum(review) AS review
FROM (
    SELECT *, json_extract(reply, '$.choices[0].message.refusal') IS NOT NULL AS declines,
        EXISTS (SELECT 1 FROM candidate k WHERE k.completion_id = completion.id AND k.attempt > 0)
            AS regenerated
    FROM completion WHERE decision IN ('serve', 'refuse') AND {_DRAWN}
) GROUP BY 1
"""
_FAILED = f"""
SELECT policy_version AS version, json_extract(reply, '$.error.code') AS code, count(*) AS number
FROM completion WHERE decision = 'error' AND {_DRAWN} GROUP BY 1, 2
"""
_REWARDS = f"""
SELECT completion.policy_version AS version, count(*) AS number, avg(k.reward) AS mean,
    avg(k.reward * k.reward) AS squares
FROM completion JOIN candidate k ON k.completion_id = completion.id
WHERE k.served AND decision = 'serve' AND k.reward IS NOT NULL AND {_DRAWN} GROUP BY 1
"""
_PINNED = """
SELECT id FROM completion WHERE policy_version IN (:a, :b)
    AND json_extract(request, '$.plumbline.policy') IS NOT NULL
"""
_VERSION_OF = (
    "SELECT policy_version FROM completion WHERE id = "
    "coalesce((SELECT completion_id FROM candidate WHERE id = ?), ?)"
)


@dataclass(slots=True)
class Side:
    """What one version did.

    Attributes:
        turns: that came to an answer or a refusal; `outcomes` are how many of them had each outcome.
        failed: turns that the server failed.
        ratings, up, down: of what was served.
    """

    version: str
    turns: int = 0
    outcomes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    failed: int = 0
    reward: Mean | None = None
    ratings: int = 0
    up: int = 0
    down: int = 0

    def to_wire(self) -> dict[str, Any]:
        """All of it for programs."""
        shares = {name: wilson(hits, self.turns) for name, hits in self.outcomes.items()}
        return {
            "version": self.version,
            "turns": self.turns,
            **self.outcomes,
            "failed": self.failed,
            "shares": {name: _wire(share) for name, share in shares.items()},
            "mean_reward": self.reward.value if self.reward else None,
            "mean_reward_n": self.reward.count if self.reward else 0,
            "ratings": self.ratings,
            "thumbs_up": self.up,
            "thumbs_down": self.down,
            "thumbs_up_share": _wire(wilson(self.up, self.ratings)),
        }


@dataclass(slots=True)
class Comparison:
    """Both, and how often people preferred an answer of b to one of a to the same conversation."""

    a: Side
    b: Side
    wins: int = 0
    losses: int = 0

    @property
    def win_share(self) -> Interval | None:
        """b's share of the preferences."""
        return wilson(self.wins, self.wins + self.losses)

    @property
    def differences(self) -> Mapping[str, Interval | None]:
        """b − a, of each outcome's share of the turns, of the mean reward, and of the thumbs."""
        a, b = self.a, self.b
        found = {
            name: share_difference(a.outcomes[name], a.turns, b.outcomes[name], b.turns)
            for name in OUTCOMES
        }
        found["reward"] = mean_difference(a.reward, b.reward)
        found["thumbs_up"] = share_difference(a.up, a.ratings, b.up, b.ratings)
        return found

    def to_wire(self) -> dict[str, Any]:
        """All of it for programs."""
        return {
            "a": self.a.to_wire(),
            "b": self.b.to_wire(),
            "differences": {name: _wire(found) for name, found in self.differences.items()},
            "pairs": {
                "b_preferred": self.wins,
                "a_preferred": self.losses,
                "b_share": _wire(self.win_share),
            },
        }


def compare(
    connection: sqlite3.Connection, a: str, b: str, *, since: float | None = None
) -> Comparison:
    """Compare two versions by the log; `since` is in seconds since 1970."""
    sides = {a: Side(a), b: Side(b)}
    named = {"a": a, "b": b, "since": since or 0.0}
    for row in connection.execute(_TURNS, named):
        side = sides[row["version"]]
        side.turns = row["turns"]
        side.outcomes = {name: row[name] for name in OUTCOMES}
    for row in connection.execute(_FAILED, named):
        if row["code"] is not None and fault_of(row["code"]) == "failed":
            sides[row["version"]].failed += row["number"]
    for row in connection.execute(_REWARDS, named):
        sides[row["version"]].reward = _mean(row)
    pinned = {row["id"] for row in connection.execute(_PINNED, named)}
    for version, side in sides.items():
        for found in find(connection, Selection(policy=version, type="rating", since=since)):
            if found.row.completion_id not in pinned:
                _rate(side, found)
    compared = Comparison(sides[a], sides[b])
    if a != b:
        for kind in ("pair", "ranking"):
            for found in find(connection, Selection(type=kind, since=since)):
                _prefer(compared, connection, found)
    return compared


def _mean(row: sqlite3.Row) -> Mean:
    """The mean with its sample variance, from the sums of the values and of their squares."""
    number, mean = row["number"], row["mean"]
    spread = max(0.0, row["squares"] - mean * mean)
    return Mean(mean, spread * number / (number - 1) if number > 1 else 0.0, number)


def _rate(side: Side, found: Found) -> None:
    value = found.row.body.get("value")
    if found.state != "counts" or value is None or not found.on_served:
        return
    score = score_of(value)
    side.ratings += 1
    side.up += score >= UP
    side.down += score <= DOWN


def _prefer(compared: Comparison, connection: sqlite3.Connection, found: Found) -> None:
    """One vote for each piece of feedback: the best place of either side counts."""
    if found.state != "counts":
        return
    best = _best_places(connection, _places(found.row.body))
    a, b = best.get(compared.a.version), best.get(compared.b.version)
    if a is not None and b is not None and a != b:
        compared.wins += b < a
        compared.losses += a < b


def _places(body: Mapping[str, Any]) -> Sequence[Sequence[str]]:
    if body.get("ranking"):
        return places_of(body["ranking"])
    return [[str(body.get("preferred_id"))], [str(body.get("rejected_id"))]]


def _best_places(
    connection: sqlite3.Connection, places: Sequence[Sequence[str]]
) -> Mapping[str, int]:
    """The first place in which each version stands."""
    best: dict[str, int] = {}
    for place, identifiers in enumerate(places):
        for identifier in identifiers:
            row = connection.execute(_VERSION_OF, (identifier, identifier)).fetchone()
            if row is not None:
                best.setdefault(row["policy_version"], place)
    return best


def _wire(interval: Interval | None) -> dict[str, float] | None:
    return None if interval is None else interval.model_dump()
