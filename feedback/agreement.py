"""How far raters agree, from the feedback that more than one of them gave on the same thing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

from contract.feedback import places_of, score_of
from feedback.records import FeedbackRecord


class Agreement:
    """Grows turn by turn; holds sums only.

    Preferences: the share of pairs of raters who prefer the same of two answers, as Ouyang et al. 2022
    report it. Ratings: Krippendorff's alpha for interval data (Krippendorff 2011), 1 for full agreement
    and 0 for what chance would give.
    """

    def __init__(self) -> None:
        self._agreeing = self._compared = 0
        self._values = self._sum = self._squares = 0.0
        self._observed = 0.0

    def add(self, feedback: Sequence[FeedbackRecord]) -> None:
        """The feedback on one turn."""
        if len(feedback) < 2:
            return
        self._add_preferences(feedback)
        self._add_ratings(feedback)

    def figures(self) -> dict[str, Any]:
        """Both figures with the numbers that they rest on; None where there is nothing to compare."""
        share = self._agreeing / self._compared if self._compared else None
        return {
            "preferences_compared": self._compared,
            "preferences_agreeing": None if share is None else round(share, 4),
            "ratings_compared": int(self._values),
            "ratings_alpha": self._alpha(),
        }

    def _add_preferences(self, feedback: Sequence[FeedbackRecord]) -> None:
        said: dict[tuple[str, str], dict[str, bool]] = {}
        for row in feedback:
            if row.rater is None:
                continue
            for better, worse in _preferred(row):
                first, second = sorted((better, worse))
                said.setdefault((first, second), {})[row.rater] = better == first
        for opinions in said.values():
            for one, other in combinations(opinions.values(), 2):
                self._compared += 1
                self._agreeing += one == other

    def _add_ratings(self, feedback: Sequence[FeedbackRecord]) -> None:
        rated: dict[str, dict[str, float]] = {}
        for row in feedback:
            value = row.body.get("value")
            if row.type == "rating" and row.rater is not None and value is not None:
                named = row.body.get("candidate_id") or row.completion_id
                rated.setdefault(named, {})[row.rater] = score_of(value)
        for values in (list(by.values()) for by in rated.values() if len(by) > 1):
            self._values += len(values)
            self._sum += sum(values)
            self._squares += sum(v * v for v in values)
            self._observed += _squared_differences(values) / (len(values) - 1)

    def _alpha(self) -> float | None:
        n = self._values
        if n < 2:
            return None
        expected = 2 * (n * self._squares - self._sum**2) / (n * (n - 1))
        return None if expected == 0 else round(1 - self._observed / n / expected, 4)


def _preferred(row: FeedbackRecord) -> Iterable[tuple[str, str]]:
    if row.type == "pair":
        return [(row.body["preferred_id"], row.body["rejected_id"])]
    if row.type != "ranking":
        return []
    places = places_of(row.body["ranking"])
    return [(a, b) for above, below in combinations(places, 2) for a in above for b in below]


def _squared_differences(values: Sequence[float]) -> float:
    """Sum of squared differences over all ordered pairs."""
    total = sum(values)
    return 2 * (len(values) * sum(v * v for v in values) - total * total)
