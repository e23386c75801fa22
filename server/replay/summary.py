"""What a replay found, in numbers: kept while turns go by, so that no turn is kept."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from contract.intervals import Z
from server.replay.compare import Replayed

_SHOWN = 10


@dataclass(slots=True)
class Paired:
    """Means of pairs and of their differences, by Welford's method (Welford 1962)."""

    count: int = 0
    before: float = 0.0
    after: float = 0.0
    difference: float = 0.0
    squares: float = 0.0

    def add(self, before: float, after: float) -> None:
        """Count one pair."""
        self.count += 1
        self.before += (before - self.before) / self.count
        self.after += (after - self.after) / self.count
        step = after - before - self.difference
        self.difference += step / self.count
        self.squares += step * (after - before - self.difference)

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % of the mean difference; None with less than two pairs."""
        if self.count < 2:
            return None
        half = Z * math.sqrt(self.squares / (self.count - 1) / self.count)
        return self.difference - half, self.difference + half

    def to_wire(self) -> dict[str, Any]:
        """As it stands in a summary."""
        found = self.interval
        return {
            "pairs": self.count,
            "before": round(self.before, 6),
            "after": round(self.after, 6),
            "difference": round(self.difference, 6),
            "interval": None if found is None else [round(end, 6) for end in found],
        }


@dataclass(slots=True)
class Tally:
    """Counts of a replay. `otherwise` are turns that the rules in service decide otherwise than the log:
    it was made by other versions, or time ran out then."""

    turns: int = 0
    choices: int = 0
    flipped: int = 0
    otherwise: int = 0
    judgings: int = 0
    changed: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    decisions: Counter[tuple[str, str]] = field(default_factory=Counter)
    classes: Counter[tuple[str, str]] = field(default_factory=Counter)
    passages: Counter[str] = field(default_factory=Counter)
    reward: Paired = field(default_factory=Paired)
    worst: list[tuple[float, str]] = field(default_factory=list)
    best: list[tuple[float, str]] = field(default_factory=list)

    @property
    def failed(self) -> int:
        """Turns that could not be replayed."""
        return self.failures.total()

    def add(self, replayed: Replayed) -> bool:
        """Count a turn; whether it flips."""
        changed = replayed.changed
        self.turns += 1
        self.flipped += bool(changed)
        self.changed.update(changed)
        self._otherwise(replayed)
        for before, after in replayed.pairs:
            self.choices += 1
            self.decisions[before.decision, after.decision] += 1
            self.classes[before.completion_class or "none", after.completion_class or "none"] += 1
            if before.reward is not None and after.reward is not None:
                self.reward.add(before.reward, after.reward)
                self._rank(after.reward - before.reward, replayed.id)
        if (found := replayed.passages) is not None:
            self.passages["turns"] += 1
            self.passages["turns with other passages"] += found.any
            self.passages["turns whose cited passage is gone"] += bool(found.cited_gone)
            for name in ("gone", "new", "moved"):
                self.passages[name] += len(getattr(found, name))
        return bool(changed)

    def _otherwise(self, replayed: Replayed) -> None:
        served = any(outcome.serves for outcome in replayed.before)
        logged = replayed.judged.turn.record.decision
        self.otherwise += served != (logged == "serve")

    def _rank(self, difference: float, identifier: str) -> None:
        _keep(self.best, (difference, identifier))
        _keep(self.worst, (-difference, identifier))

    def to_wire(self) -> dict[str, Any]:
        """Names, ids and numbers: no text of anybody's."""
        return {
            "turns": self.turns,
            "choices": self.choices,
            "flipped": self.flipped,
            "changed": dict(self.changed),
            "failed": self.failed,
            "failures": dict(self.failures),
            "left_out": dict(self.left_out),
            "decided_otherwise_in_the_log": self.otherwise,
            "decisions": matrix(self.decisions),
            "classes": matrix(self.classes),
            "reward": self.reward.to_wire(),
            "passages": dict(self.passages) or None,
            "worst": [
                {"id": found, "difference": round(-change, 6)}
                for change, found in sorted(self.worst, reverse=True)
                if change > 0
            ],
            "best": [
                {"id": found, "difference": round(change, 6)}
                for change, found in sorted(self.best, reverse=True)
                if change > 0
            ],
        }


def matrix(counts: Counter[tuple[str, str]]) -> dict[str, dict[str, int]]:
    """Before, after, how often."""
    found: dict[str, dict[str, int]] = {}
    for (before, after), number in sorted(counts.items()):
        found.setdefault(before, {})[after] = number
    return found


def _keep(heap: list[tuple[float, str]], item: tuple[float, str]) -> None:
    if len(heap) < _SHOWN:
        heapq.heappush(heap, item)
    else:
        heapq.heappushpop(heap, item)
