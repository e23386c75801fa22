"""Signatures of prompts: those that are alike share some of a signature's keys.

A prompt's signature is the smallest values of 120 hash functions over its shingles (Broder 1997), in 24
bands of five: prompts that agree in one band are compared (Leskovec, Rajaraman & Ullman, *Mining of Massive
Datasets*, section 3.4). At a Jaccard similarity of 0.7 that happens with probability 0.99, at 0.6 with 0.86 and at
0.2 with less than 0.01.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from feedback.hygiene.request import Request
from feedback.hygiene.runs import Band
from feedback.hygiene.sketches import Sketches

Keys = npt.NDArray[np.uint64]
Hashes = npt.NDArray[np.uint32]

BANDS, ROWS = 24, 5
# The seven-hundred-and-first shingle of a text adds little; those with the smallest hashes stay, which is a
# fair sample and the same one for like texts.
_MOST_SHINGLES = 700
_MOST_CHARACTERS = 20_000
# So many prompts are signed in one go, which is quicker than one by one.
_AT_A_TIME = 16

_RANDOM = np.random.default_rng(20221)
_FACTORS = _RANDOM.integers(1, 2**32, BANDS * ROWS, dtype=np.uint32) | np.uint32(1)
_SHIFTS = _RANDOM.integers(0, 2**32, BANDS * ROWS, dtype=np.uint32)
_MIX = np.uint64(0x9E3779B97F4A7C15)
_HIGH = np.uint64(32)


def band_keys(texts: Sequence[str]) -> Keys:
    """The keys of normalised texts, one for each band: (n, 24). Texts with a key in common may be alike."""
    hashes, starts = _shingles(texts)
    # Multiplying by an odd number and adding another reorders 32-bit numbers: a hash function each.
    values = _FACTORS[:, None] * hashes + _SHIFTS[:, None]
    smallest = np.minimum.reduceat(values, starts, axis=1).astype(np.uint64)
    smallest = smallest.reshape(BANDS, ROWS, len(texts))
    keys = np.repeat((np.arange(1, BANDS + 1, dtype=np.uint64) * _MIX)[:, None], len(texts), axis=1)
    for row in range(ROWS):
        keys = (keys ^ smallest[:, row]) * _MIX
        keys ^= keys >> _HIGH
    return np.ascontiguousarray(keys.T)


class Signatures:
    """The keys of many prompts, and their sketches: 270 bytes each."""

    def __init__(self) -> None:
        self._keys = array("Q")
        self._waiting: list[str] = []
        self.sketches = Sketches()

    def add(self, text: str) -> None:
        """Add a normalised prompt; its number is how many there were before."""
        request = Request.of_normal(text)
        self.sketches.add(len(request.tokens), request.weight, request.words, request.han)
        self._waiting.append(text)
        if len(self._waiting) == _AT_A_TIME:
            self._sign()

    def __len__(self) -> int:
        return len(self._keys) // BANDS + len(self._waiting)

    def _sign(self) -> None:
        if self._waiting:
            self._keys.frombytes(band_keys(self._waiting).tobytes())
            self._waiting.clear()

    def bands(self) -> Iterator[Band]:
        """The prompts by the keys of each band."""
        self._sign()
        keys = np.frombuffer(self._keys, dtype=np.uint64).reshape(-1, BANDS)
        for band in range(BANDS):
            order = np.argsort(keys[:, band], kind="stable")
            changes = np.diff(keys[order, band], prepend=~keys[order[:1], band]) != 0
            starts = np.flatnonzero(changes)
            sizes = np.diff(starts, append=len(order))
            yield Band(order, starts[sizes > 1], sizes[sizes > 1])


def _shingles(texts: Sequence[str]) -> tuple[Hashes, npt.NDArray[np.intp]]:
    """Hashes of three characters each; of Han characters one and two, since each is nearly a word.

    Returns:
        The hashes of all texts, and where those of each begin.
    """
    padded = [f" {text[:_MOST_CHARACTERS]} " if text else "   " for text in texts]
    codes = np.frombuffer("".join(padded).encode("utf-32-le"), dtype=np.uint32)
    starts = np.cumsum([0, *map(len, padded)])
    wide = (codes >= 0x3400) & (codes <= 0x3134F) & ((codes <= 0x9FFF) | (codes >= 0xF900))
    if wide.any():
        starts += np.concatenate([[0], np.cumsum(wide)])[starts]
        codes = np.repeat(codes, np.where(wide, 2, 1))
        # A Han character is followed by a blank of its own, so three places hold one or two of them.
        second = np.zeros(len(codes), dtype=bool)
        second[1:] = (codes[1:] == codes[:-1]) & (codes[1:] >= 0x3400)
        codes[second] = 1
    codes = codes.astype(np.uint64)
    hashes = (codes[:-2] * _MIX) ^ (codes[1:-1] * (_MIX >> np.uint64(7)))
    hashes = (hashes ^ (codes[2:] * (_MIX >> np.uint64(13)))) * _MIX
    found = (hashes >> _HIGH).astype(np.uint32)
    # Two places before each end no three characters begin.
    pieces = [
        _fewer(found[start : end - 2])
        for start, end in zip(starts[:-1].tolist(), starts[1:].tolist())
    ]
    sizes = [len(piece) for piece in pieces]
    return np.concatenate(pieces), np.cumsum([0, *sizes[:-1]])


def _fewer(hashes: Hashes) -> Hashes:
    if len(hashes) <= _MOST_SHINGLES:
        return hashes
    return np.partition(hashes, _MOST_SHINGLES)[:_MOST_SHINGLES]
