"""Which version people prefer: all comparisons of answers of different versions, and what follows from them."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, NamedTuple

from contract.access import OWNER, Access
from contract.evaluation import Interval
from contract.feedback import places_of
from contract.verified import is_verified
from feedback.find import Found, Selection, find
from feedback.rows import admits
from feedback.strengths import RIDGE, Vote, expected, groups_of, strengths

_KINDS = ("pair", "tie", "ranking")
_TURN_OF = (
    "SELECT policy_version, decision, collection, question, labels FROM completion WHERE id = "
    "coalesce((SELECT completion_id FROM candidate WHERE id = ?), ?)"
)

# Why feedback that compares answers compares no versions.
LEFT_OUT = ("same_version", "imported", "verified", "superseded", "waiting", "unfit")


class _Turn(NamedTuple):
    policy_version: str
    decision: str
    collection: str
    question: str
    labels: str


@dataclass(slots=True)
class Record:
    """What one version did in comparisons with all others."""

    wins: int = 0
    losses: int = 0
    ties: int = 0

    @property
    def comparisons(self) -> int:
        return self.wins + self.losses + self.ties

    def add(self, share: float) -> None:
        """One comparison of which this version got so much."""
        self.wins += share == 1
        self.losses += share == 0
        self.ties += share == 0.5


@dataclass(slots=True)
class Arena:
    """Every comparison that counts, and what was left out.

    Attributes:
        left_out: pieces of feedback, by one of LEFT_OUT.
    """

    votes: list[Vote] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    def to_wire(self) -> dict[str, Any]:
        """All of it for programs: the strongest first, group by group."""
        found = groups_of(self.votes)
        versions = [
            one for number, group in enumerate(found) for one in self._versions(group, number)
        ]
        return {
            "object": "plumbline.arena",
            "versions": versions,
            "pairs": self._pairs(),
            "groups": len(found),
            "ridge": RIDGE,
            "comparisons": len(self.votes),
            "left_out": {reason: self.left_out[reason] for reason in LEFT_OUT},
        }

    def _versions(self, group: Sequence[str], number: int) -> list[dict[str, Any]]:
        names = set(group)
        votes = [vote for vote in self.votes if vote.a in names]
        fitted = strengths(votes, group)
        records = {name: Record() for name in group}
        for vote in votes:
            records[vote.a].add(vote.share)
            records[vote.b].add(1 - vote.share)
        return [
            _version(name, fitted[name], records[name], number)
            for name in sorted(group, key=lambda name: (-fitted[name].mean, name))
        ]

    def _pairs(self) -> list[dict[str, Any]]:
        records: dict[tuple[str, str], Record] = {}
        for vote in self.votes:
            records.setdefault((vote.a, vote.b), Record()).add(vote.share)
        return [
            {"a": a, "b": b, "wins_a": one.wins, "wins_b": one.losses, "ties": one.ties}
            for (a, b), one in sorted(records.items())
        ]


def arena(
    connection: sqlite3.Connection,
    *,
    since: float | None = None,
    until: float | None = None,
    collection: str | None = None,
    access: Access = OWNER,
    imports: bool = True,
) -> Arena:
    """All that people compared. Of feedback that names an answer which the caller may not see, nothing is
    said, not even that it was left out.

    Args:
        since, until: when the feedback was given, in seconds since 1970.
        collection: the questions that were asked in it.
        imports: may the caller know of imported answers?
    """
    found = Arena()
    turns = _Turns(connection)
    for kind in _KINDS:
        for one in find(connection, Selection(since=since, until=until, type=kind)):
            own = turns.of(one.row.completion_id)
            places = _places(one.row.body)
            named = [own, *(turns.of(identifier) for place in places for identifier in place)]
            if own is None:
                found.left_out["waiting"] += collection is None and access == OWNER
            elif collection in (None, own.collection) and _may_know(named, access, imports):
                _take(found, one, [turn for turn in named if turn], turns)
    return found


class _Turns:
    """The turns that answers belong to, each read once."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._known: dict[str, _Turn | None] = {}

    def of(self, identifier: str) -> _Turn | None:
        if identifier not in self._known:
            row = self._connection.execute(_TURN_OF, (identifier, identifier)).fetchone()
            self._known[identifier] = None if row is None else _Turn(*row)
        return self._known[identifier]


def _may_know(turns: Sequence[_Turn | None], access: Access, imports: bool) -> bool:
    """May the caller know of these turns? One that is not there tells nothing."""
    return all(
        admits(access, turn.labels) and (imports or turn.decision != "import")
        for turn in turns
        if turn is not None
    )


def _take(found: Arena, one: Found, named: Sequence[_Turn], turns: _Turns) -> None:
    if one.state != "counts":
        found.left_out[one.state] += 1
    elif any(turn.decision == "import" for turn in named):
        found.left_out["imported"] += 1
    elif any(is_verified(turn.policy_version) for turn in named):
        found.left_out["verified"] += 1
    else:
        places = _places(one.row.body)
        versions = [[turn.policy_version for i in p if (turn := turns.of(i))] for p in places]
        votes = list(_votes(versions, named[0].question))
        found.votes += votes
        found.left_out["same_version"] += not votes


def _places(body: Mapping[str, Any]) -> Sequence[Sequence[str]]:
    """The answers that feedback names, the best first, equally good ones together."""
    if body.get("tied_ids"):
        return [body["tied_ids"]]
    if body.get("ranking"):
        return places_of(body["ranking"])
    return [[str(body.get("preferred_id"))], [str(body.get("rejected_id"))]]


def _votes(places: Sequence[Sequence[str]], question: str) -> Iterator[Vote]:
    """One vote for each two versions that a piece of feedback compares: the best place of either counts."""
    best: dict[str, int] = {}
    for number, place in enumerate(places):
        for version in place:
            best.setdefault(version, number)
    for a, b in combinations(sorted(best), 2):
        share = 0.5 if best[a] == best[b] else float(best[a] < best[b])
        yield Vote(a, b, share, question)


def _version(name: str, strength: Interval, record: Record, group: int) -> dict[str, Any]:
    return {
        "policy_version": name,
        "strength": strength.mean,
        "low": strength.low,
        "high": strength.high,
        "win_share": {
            "mean": expected(strength.mean),
            "low": expected(strength.low),
            "high": expected(strength.high),
        },
        "wins": record.wins,
        "losses": record.losses,
        "ties": record.ties,
        "comparisons": record.comparisons,
        "group": group,
    }
