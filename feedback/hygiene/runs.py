"""Runs of prompts that share a key of a band, without those in which nobody can be alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from feedback.hygiene.sketches import May, Numbers, Sketches

# Which prompts of a run, those after it, may be like one of it.
Rivals = Callable[[int], Collection[int]]

# In runs up to this size all pairs are looked at, in longer ones those with prompts that stand for others.
_SHORT = 32
_PAIRS_AT_A_TIME = 50_000


class Band(NamedTuple):
    """Prompts in the order of their keys: (n,), and where the runs of two or more with the same key begin."""

    order: Numbers
    starts: Numbers
    sizes: Numbers


def runs_to_read(band: Band, sketches: Sketches, may: May) -> Iterator[tuple[list[int], Rivals]]:
    """The runs in which at least two prompts may be alike, in order."""
    found: dict[int, Rivals] = {}
    for size in np.unique(band.sizes).tolist():
        starts = band.starts[band.sizes == size]
        if size <= _SHORT:
            found.update(_short_runs(band.order, starts, size, sketches, may))
        else:
            for start in starts.tolist():
                found[start] = _of_long_run(band.order[start : start + size], sketches, may)
    sizes = dict(zip(band.starts.tolist(), band.sizes.tolist()))
    for start in sorted(found):
        yield band.order[start : start + sizes[start]].tolist(), found[start]


def _short_runs(
    order: Numbers, starts: Numbers, size: int, sketches: Sketches, may: May
) -> Iterator[tuple[int, Rivals]]:
    first, second = np.triu_indices(size, 1)
    step = max(1, _PAIRS_AT_A_TIME // len(first))
    for begin in range(0, len(starts), step):
        some = starts[begin : begin + step]
        one, other = order[some[:, None] + first], order[some[:, None] + second]
        mask = may(sketches.differences(one.ravel(), other.ravel())).reshape(one.shape)
        for row in np.flatnonzero(mask.any(axis=1)).tolist():
            pairs = zip(one[row, mask[row]].tolist(), other[row, mask[row]].tolist())
            yield int(some[row]), _of_pairs(pairs)


def _of_pairs(pairs: Iterable[tuple[int, int]]) -> Rivals:
    rivals: dict[int, set[int]] = defaultdict(set)
    for number, rival in pairs:
        rivals[number].add(rival)
    return rivals.__getitem__


def _of_long_run(run: Numbers, sketches: Sketches, may: May) -> Rivals:
    @lru_cache
    def rivals(number: int) -> frozenset[int]:
        found: set[int] = set()
        for begin in range(0, len(run), _PAIRS_AT_A_TIME):
            some = run[begin : begin + _PAIRS_AT_A_TIME]
            found.update(some[may(sketches.differences(np.array([number]), some))].tolist())
        return frozenset(found)

    return rivals
