"""What can be told of two prompts without reading them: which words at least one has and the other has not.

Of a million prompts with the same opening very many pairs share a band, and nearly all of them differ in most
of their words. Each prompt is kept as a few numbers, so that such pairs are passed over in bulk.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

# Places that words, and as many that Han characters, fall into; two may share one, so what is counted is the least.
_PLACES = 256
_PARTS = _PLACES // 64


class Differences(NamedTuple):
    """What pairs of prompts differ in: (n,) each. Words count one, Han characters a half.

    Attributes:
        one, other: what each weighs in all.
        lost, came: what at least the telling words weigh that only one of them has.
        one_tokens, other_tokens: how many tokens each has.
        lost_tokens, came_tokens: how many tokens at least only one of them has.
    """

    one: Floats
    other: Floats
    lost: Floats
    came: Floats
    one_tokens: Numbers
    other_tokens: Numbers
    lost_tokens: Numbers
    came_tokens: Numbers


May = Callable[[Differences], Mask]


class Sketches:
    """Sketches of many prompts: 76 bytes each."""

    def __init__(self) -> None:
        self._weights = array("d")
        self._tokens = array("I")
        self._places = array("Q")

    def add(self, tokens: int, weight: float, words: Collection[str], han: Collection[str]) -> None:
        """Add a prompt; its number is how many there were before.

        Args:
            tokens: how many it has; `weight` is what they weigh.
            words, han: the different ones that tell, Han characters by themselves.
        """
        self._weights.append(weight)
        self._tokens.append(tokens)
        for telling in (words, han):
            places = 0
            for token in telling:
                places |= 1 << hash(token) % _PLACES
            self._places.frombytes(places.to_bytes(_PLACES // 8, "little"))

    def differences(self, one: Numbers, other: Numbers) -> Differences:
        """Of pairs of prompts: (n,) numbers on each side, or one number against n."""
        weights = np.frombuffer(self._weights, dtype=np.float64)
        tokens = np.frombuffer(self._tokens, dtype=np.uint32).astype(np.int64)
        places = np.frombuffer(self._places, dtype="<u8").reshape(-1, 2, _PARTS)
        a, b = places[one], places[other]
        lost = np.bitwise_count(a & ~b).sum(axis=-1, dtype=np.int64)
        came = np.bitwise_count(b & ~a).sum(axis=-1, dtype=np.int64)
        return Differences(
            weights[one],
            weights[other],
            _weighed(lost),
            _weighed(came),
            tokens[one],
            tokens[other],
            lost.sum(axis=-1),
            came.sum(axis=-1),
        )


def _weighed(counts: Numbers) -> Floats:
    """Words and Han characters, (n, 2), as weights: (n,)."""
    return counts[:, 0] + counts[:, 1] / 2
