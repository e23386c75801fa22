"""95 % confidence intervals of shares and means."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

# The 97.5 % quantile of the normal distribution.
Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and its 95 % confidence interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over `count` values with their sample variance."""

    value: float
    variance: float
    count: int


def wilson(hits: int, count: int) -> Interval | None:
    """A share (Wilson 1927, the score interval); None where nothing was counted."""
    if not count:
        return None
    share, z2 = hits / count, Z * Z
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = Z / (1 + z2 / count) * sqrt(share * (1 - share) / count + z2 / (4 * count * count))
    return Interval(share, max(0.0, middle - half), min(1.0, middle + half))


def share_difference(hits_a: int, count_a: int, hits_b: int, count_b: int) -> Interval | None:
    """b − a of two independent shares (Newcombe 1998, method 10: from their Wilson intervals)."""
    a, b = wilson(hits_a, count_a), wilson(hits_b, count_b)
    if a is None or b is None:
        return None
    found = b.mean - a.mean
    below = sqrt((b.mean - b.low) ** 2 + (a.high - a.mean) ** 2)
    above = sqrt((b.high - b.mean) ** 2 + (a.mean - a.low) ** 2)
    return Interval(found, found - below, found + above)


def mean_difference(a: Mean | None, b: Mean | None) -> Interval | None:
    """b − a of two independent means, by their standard errors; None below two values of each."""
    if a is None or b is None or min(a.count, b.count) < 2:
        return None
    found = b.value - a.value
    half = Z * sqrt(a.variance / a.count + b.variance / b.count)
    return Interval(found, found - half, found + half)
