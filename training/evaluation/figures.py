"""One figure of both policies, over the prompts on which both have a value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np

from contract.evaluation import Interval, Metric
from training.evaluation.intervals import mean_difference, share_difference

Better = Literal["higher", "lower"]

# So many digits stand in a report; what is computed in another order differs behind them.
_DIGITS = 6


def share_of(
    name: str, values: Iterable[tuple[bool | None, bool | None]], better: Better
) -> Metric:
    """A share of prompts, from what holds of a's answer and of b's; a prompt with None is left out."""
    known = [(bool(a), bool(b)) for a, b in values if a is not None and b is not None]
    a, b = [x for x, _ in known], [y for _, y in known]
    return _metric(
        name, [float(x) for x in a], [float(y) for y in b], share_difference(a, b), better
    )


def mean_of(
    name: str, values: Iterable[tuple[float | None, float | None]], better: Better
) -> Metric:
    """A mean over prompts; one with None is left out."""
    known = [(float(a), float(b)) for a, b in values if a is not None and b is not None]
    a, b = [x for x, _ in known], [y for _, y in known]
    return _metric(name, a, b, mean_difference(a, b), better)


def rounded(interval: Interval | None) -> Interval | None:
    """The same, to six digits."""
    if interval is None:
        return None
    return Interval(
        mean=_round(interval.mean), low=_round(interval.low), high=_round(interval.high)
    )


def _metric(
    name: str, a: list[float], b: list[float], difference: Interval | None, better: Better
) -> Metric:
    return Metric(
        name=name,
        a=_round(float(np.mean(a))) if a else None,
        b=_round(float(np.mean(b))) if b else None,
        difference=rounded(difference),
        count=len(a),
        better=better,
    )


def _round(value: float) -> float:
    # Adding nothing makes −0.0 a plain 0.
    return round(value, _DIGITS) + 0.0
