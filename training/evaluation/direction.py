"""Which way a proposition of a rubric is better, and whether the training reward looks at it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

from contract.verdict import ResponseType, Verdict
from rbrm.rubric import Rubric

Direction = Literal["higher", "lower"]

_RANK = {"ideal": 2, "minimum_acceptable": 1, "unacceptable": 0, "illogical": -1, "disallowed": -2}


class Directions:
    """What a rubric wants of its propositions, for the response types that occur.

    The sign of a weight says it; else a hard proposition must not hold; else the class table does: flipped in
    the answers at hand, does a proposition make their class better or worse? On the rest the rubric takes no
    side.
    """

    def __init__(self, rubric: Rubric, verdicts: Sequence[Verdict]) -> None:
        self._rubric = rubric
        self._types = Counter(v.response_type_in_force for v in verdicts)
        self._verdicts = verdicts

    def of(self, name: str) -> Direction | None:
        """Which way is better; None where the rubric does not care."""
        wanted = self.weight(name)
        if not wanted and name in self._rubric.hard:
            return "lower"
        wanted = wanted or self._effect_on_class(name)
        return None if not wanted else "higher" if wanted > 0 else "lower"

    def weight(self, name: str) -> float:
        """Its weight in the reward, over the response types as often as they occur."""
        kinds = self._rubric.response_types
        return sum(kinds[k].weights.get(name, 0.0) * count for k, count in self._types.items())

    def is_rewarded(self, name: str) -> bool:
        """Does the reward look at it, in any of these response types, or at what is derived from it?"""
        weighted = {n for kind in self._types for n in self._rubric.response_types[kind].weights}
        return name in weighted or name in _beneath(self._rubric, weighted)

    def _effect_on_class(self, name: str) -> int:
        return sum(
            _rank(self._rubric, verdict, name, True) - _rank(self._rubric, verdict, name, False)
            for verdict in self._verdicts
        )


def _rank(rubric: Rubric, verdict: Verdict, name: str, value: bool) -> int:
    values = {n: verdict.propositions.get(n, p.default) for n, p in rubric.propositions.items()}
    _, holds = rubric.derive(values)
    kind: ResponseType = verdict.response_type_in_force
    flipped = {**holds, name: value}
    if name in rubric.propositions:
        for derived, formula in rubric.formulas.items():
            flipped[derived] = formula.holds(flipped)
    return _RANK[rubric.class_of(kind, flipped)]


def _beneath(rubric: Rubric, names: Iterable[str]) -> set[str]:
    """The propositions that derived ones are made of."""
    found: set[str] = set(names)
    for name in reversed(rubric.formulas):
        if name in found:
            found |= rubric.formulas[name].names
    return found
