"""The interval of a share, which the log, training and evaluation all give."""

from __future__ import annotations

import math

from contract.evaluation import Interval

# The normal quantile of a two-sided 95 % interval.
Z = 1.959963984540054


def wilson(successes: float, count: int) -> Interval:
    """The 95 % score interval of a share (Wilson 1927). `successes` may hold halves for ties, which vary less
    than wins and losses, so that the interval is then a little wider than it need be.

    Raises:
        ValueError: there is nothing to count.
    """
    if count < 1 or not 0 <= successes <= count:
        raise ValueError(f"{successes} of {count} is no share")
    share, square = successes / count, Z * Z
    middle = (share + square / (2 * count)) / (1 + square / count)
    spread = share * (1 - share) / count + square / (4 * count * count)
    reach = Z * math.sqrt(spread) / (1 + square / count)
    # At the ends the exact bound is 0 or 1, which rounding would miss.
    low = 0.0 if successes == 0 else max(0.0, middle - reach)
    high = 1.0 if successes == count else min(1.0, middle + reach)
    return Interval(mean=share, low=low, high=high)
