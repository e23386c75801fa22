"""Which way a proposition of a rubric is better, and whether the training reward looks at it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

from contract.verdict import ResponseType, Verdict
from rbrm.rubric import Rubric

Direction = Literal["higher", "lower"]

_RANK = {"ideal": 2, "minimum_acceptable": 1, "unacceptable": 0, "illogical": -1, "disallowed": -2}


class Directions:
    """What a rubric wants of its propositions, for the response types that occur.

    The sign of a weight says it; a hard proposition must not hold; and what makes the class of an answer
    worse when it holds is better not to. On the rest the rubric takes no side.

    Args:
        rubric: in use for the verdicts.
        trained_on: the rubric of the reward that the candidate was trained on.
    """

    def __init__(
        self, rubric: Rubric, verdicts: Sequence[Verdict], trained_on: Rubric | None = None
    ) -> None:
        self._rubric = rubric
        self._trained_on = trained_on or rubric
        self._types = Counter(v.response_type_in_force for v in verdicts)
        # Thousands of answers are alike in what holds of them.
        self._patterns = {
            (v.response_type_in_force, tuple(self.holds(v).items())) for v in verdicts
        }

    def of(self, name: str) -> Direction | None:
        """Which way is better; None where the rubric does not care."""
        kinds = self._rubric.response_types
        weight = sum(kinds[k].weights.get(name, 0.0) * n for k, n in self._types.items())
        if weight:
            return "higher" if weight > 0 else "lower"
        if name in self._rubric.hard or self._spoils(name):
            return "lower"
        return None

    def is_rewarded(self, name: str) -> bool:
        """Does the training reward look at it, or at what is derived from it, for these response types?"""
        rubric = self._trained_on
        seen = {n for kind in self._types for n in rubric.response_types[kind].weights}
        for derived in reversed(rubric.formulas):
            if derived in seen:
                seen |= rubric.formulas[derived].names
        return name in seen

    def holds(self, verdict: Verdict) -> Mapping[str, bool]:
        """Which propositions hold of an answer; what could not be judged counts as the rubric says."""
        known = self._rubric.propositions.items()
        found = {n: verdict.propositions.get(n, p.default) for n, p in known}
        return self._rubric.derive(found)[1]

    def _spoils(self, name: str) -> bool:
        """Does it make classes worse when it holds, and never better?"""
        effects = [
            self._rank(kind, dict(holds), name, True) - self._rank(kind, dict(holds), name, False)
            for kind, holds in self._patterns
        ]
        return min(effects, default=0) < 0 and max(effects, default=0) <= 0

    def _rank(self, kind: ResponseType, holds: dict[str, bool], name: str, value: bool) -> int:
        holds[name] = value
        weights = self._rubric.response_types[kind].weights
        for derived, formula in self._rubric.formulas.items():
            # What is weighted itself speaks for itself, not for what it is derived from.
            if derived != name and derived not in weights:
                holds[derived] = formula.holds(holds)
        return _RANK[self._rubric.class_of(kind, holds)]
