"""Means, shares and what they may be by chance: 95 % intervals, as docs/evaluation.md describes them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from scipy import stats

from contract.evaluation import Interval
from contract.intervals import wilson

_RESAMPLES = 10_000

Values = npt.NDArray[np.float64]


def share_difference(a: Sequence[bool], b: Sequence[bool]) -> Interval | None:
    """b's share less a's over the same prompts (Newcombe 1998, paired, method 10); None without prompts.

    It keeps its width where nothing was seen to differ: ten prompts without a refusal do not prove that
    there are none.
    """
    if not a:
        return None
    count = len(a)
    both = sum(x and y for x, y in zip(a, b, strict=True))
    only_a, only_b = sum(a) - both, sum(b) - both
    neither = count - both - only_a - only_b
    of_a, of_b = wilson(sum(a), count), wilson(sum(b), count)
    tied = _correlation(both, only_a, only_b, neither)
    difference = (only_b - only_a) / count
    below = _joined(of_b.mean - of_b.low, of_a.high - of_a.mean, tied)
    above = _joined(of_b.high - of_b.mean, of_a.mean - of_a.low, tied)
    return Interval(mean=difference, low=difference - below, high=difference + above)


def mean_difference(a: Sequence[float], b: Sequence[float]) -> Interval | None:
    """The mean of b − a over the same prompts, by Student's t; None with fewer than two prompts."""
    if len(a) != len(b):
        raise ValueError(f"{len(a)} values can't be paired with {len(b)}")
    if len(a) < 2:
        return None
    differences = np.asarray(b, dtype=float) - np.asarray(a, dtype=float)
    mean = float(differences.mean())
    error = float(differences.std(ddof=1)) / math.sqrt(len(differences))
    reach = float(stats.t.ppf(0.975, len(differences) - 1)) * error
    return Interval(mean=mean, low=mean - reach, high=mean + reach)


def bootstrap(rows: int, figure: Callable[[npt.NDArray[np.intp]], float], seed: int) -> Interval:
    """Of a figure that is no mean over prompts (a perplexity, say): the percentile interval over prompts
    drawn with replacement (Efron 1979).

    Args:
        rows: how many prompts there are, at least one.
        figure: what comes out for the prompts with these numbers.
        seed: of the draws.
    """
    draws = np.random.default_rng(seed).integers(0, rows, size=(_RESAMPLES, rows))
    found = np.asarray([figure(draw) for draw in draws])
    low, high = np.quantile(found, (0.025, 0.975))
    return Interval(mean=figure(np.arange(rows)), low=float(low), high=float(high))


def pass_at_k(n: int, c: int, k: int) -> float:
    """The probability that one of k programs passes, from c that passed of n: 1 − C(n−c, k) / C(n, k),
    without its bias and as a product, since the binomials overflow (Chen et al. 2021, figure 3).

    Raises:
        ValueError: fewer than k programs were tried, or more passed than were tried.
    """
    if not 0 <= c <= n or not 1 <= k <= n:
        raise ValueError(f"pass@{k} can't be told from {c} passes of {n} tries")
    if n - c < k:
        return 1.0
    return 1.0 - math.prod(1.0 - k / i for i in range(n - c + 1, n + 1))


def _correlation(both: int, only_a: int, only_b: int, neither: int) -> float:
    """How far the two shares go together: φ with Newcombe's correction for continuity."""
    margins = (both + only_a) * (only_b + neither) * (both + only_b) * (only_a + neither)
    if margins == 0:
        return 0.0
    count = both + only_a + only_b + neither
    product = both * neither - only_a * only_b
    held = max(0.0, product - count / 2) if product > 0 else float(product)
    return held / math.sqrt(margins)


def _joined(one: float, other: float, tied: float) -> float:
    return math.sqrt(max(0.0, one * one - 2 * tied * one * other + other * other))
