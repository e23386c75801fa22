"""Signatures of prompts: those that are alike share some of a signature's keys.

A prompt's signature is the smallest values of 120 hash functions over its shingles (Broder 1997), in 24
bands of five: prompts that agree in one band are compared (Leskovec, Rajaraman & Ullman, *Mining of Massive
Datasets*, section 3.4). At a Jaccard similarity of 0.7 that happens with probability 0.99, at 0.6 with 0.86 and at
0.2 with less than 0.01.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from feedback.hygiene.request import Request
from feedback.hygiene.runs import Band
from feedback.hygiene.sketches import Sketches

Keys = npt.NDArray[np.uint64]

BANDS, ROWS = 24, 5
# The seven-hundred-and-first shingle of a text adds little; those with the smallest hashes stay, which is a
# fair sample and the same one for like texts.
_MOST_SHINGLES = 700
_MOST_CHARACTERS = 20_000

_RANDOM = np.random.default_rng(20221)
_FACTORS = _RANDOM.integers(1, 2**32, BANDS * ROWS, dtype=np.uint32) | np.uint32(1)
_SHIFTS = _RANDOM.integers(0, 2**32, BANDS * ROWS, dtype=np.uint32)
_MIX = np.uint64(0x9E3779B97F4A7C15)
_HIGH = np.uint64(32)


def band_keys(text: str) -> Keys:
    """The keys of a normalised text, one for each band: (24,). Texts with a key in common may be alike."""
    hashes = _shingles(text)
    # Multiplying by an odd number and adding another reorders 32-bit numbers: a hash function each.
    values = _FACTORS[:, None] * hashes + _SHIFTS[:, None]
    smallest = values.min(axis=1).reshape(BANDS, ROWS).astype(np.uint64)
    keys = np.arange(1, BANDS + 1, dtype=np.uint64) * _MIX
    for row in range(ROWS):
        keys = (keys ^ smallest[:, row]) * _MIX
        keys ^= keys >> _HIGH
    return keys


class Signatures:
    """The keys of many prompts, and their sketches: 270 bytes each."""

    def __init__(self) -> None:
        self._keys = array("Q")
        self.sketches = Sketches()

    def add(self, text: str) -> None:
        """Add a normalised prompt; its number is how many there were before."""
        self._keys.frombytes(band_keys(text).tobytes())
        request = Request.of_normal(text)
        self.sketches.add(len(request.tokens), request.weight, request.words, request.han)

    def __len__(self) -> int:
        return len(self._keys) // BANDS

    def bands(self) -> Iterator[Band]:
        """The bands."""
        keys = np.frombuffer(self._keys, dtype=np.uint64).reshape(-1, BANDS)
        for band in range(BANDS):
            order = np.argsort(keys[:, band], kind="stable")
            changes = np.diff(keys[order, band], prepend=~keys[order[:1], band]) != 0
            starts = np.flatnonzero(changes)
            sizes = np.diff(starts, append=len(order))
            yield Band(order, starts[sizes > 1], sizes[sizes > 1])


def _shingles(text: str) -> npt.NDArray[np.uint32]:
    """Hashes of three characters each; of Han characters one and two, since each is nearly a word."""
    codes = np.frombuffer(f" {text[:_MOST_CHARACTERS]} ".encode("utf-32-le"), dtype=np.uint32)
    wide = (codes >= 0x3400) & (codes <= 0x3134F) & ((codes <= 0x9FFF) | (codes >= 0xF900))
    codes = np.repeat(codes.astype(np.uint64), np.where(wide, 2, 1))
    if wide.any():
        # A Han character is followed by a blank of its own, so three places hold one or two of them.
        second = np.zeros(len(codes), dtype=bool)
        second[1:] = (codes[1:] == codes[:-1]) & (codes[1:] >= 0x3400)
        codes[second & (np.cumsum(second) > 0)] = 1
    while len(codes) < 3:
        codes = np.append(codes, np.uint64(32))
    hashes = (codes[:-2] * _MIX) ^ (codes[1:-1] * (_MIX >> np.uint64(7)))
    hashes = (hashes ^ (codes[2:] * (_MIX >> np.uint64(13)))) * _MIX
    found = (hashes >> _HIGH).astype(np.uint32)
    return (
        found
        if len(found) <= _MOST_SHINGLES
        else np.partition(found, _MOST_SHINGLES)[:_MOST_SHINGLES]
    )
