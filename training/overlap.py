"""How much two texts share, counted by tokens; what a token is, the caller says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence


def f1(said: Sequence[str], wanted: Sequence[str]) -> float:
    """The harmonic mean of precision and recall of tokens, counted with repeats (Rajpurkar et al. 2016);
    1 where both are empty."""
    if not said or not wanted:
        return float(not said and not wanted)
    shared = sum((Counter(said) & Counter(wanted)).values())
    return 2 * shared / (len(said) + len(wanted))
