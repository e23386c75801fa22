"""95 % confidence intervals of shares and means."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from contract import intervals
from contract.evaluation import Interval
from contract.intervals import Z


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over `count` values with their sample variance."""

    value: float
    variance: float
    count: int


def wilson(hits: int, count: int) -> Interval | None:
    """The interval of a share; None where nothing was counted."""
    return intervals.wilson(hits, count) if count else None


def share_difference(hits_a: int, count_a: int, hits_b: int, count_b: int) -> Interval | None:
    """b − a of two independent shares (Newcombe 1998, method 10: from their Wilson intervals)."""
    a, b = wilson(hits_a, count_a), wilson(hits_b, count_b)
    if a is None or b is None:
        return None
    found = b.mean - a.mean
    below = sqrt((b.mean - b.low) ** 2 + (a.high - a.mean) ** 2)
    above = sqrt((b.high - b.mean) ** 2 + (a.mean - a.low) ** 2)
    return Interval(mean=found, low=found - below, high=found + above)


def mean_difference(a: Mean | None, b: Mean | None) -> Interval | None:
    """b − a of two independent means, by their standard errors; None below two values of each."""
    if a is None or b is None or min(a.count, b.count) < 2:
        return None
    found = b.value - a.value
    half = Z * sqrt(a.variance / a.count + b.variance / b.count)
    return Interval(mean=found, low=found - half, high=found + half)
