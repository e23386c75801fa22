"""Which of a million prompts ask nearly the same: MinHash finds who may, a comparison decides.

A prompt's signature is the smallest values of 120 hash functions over its shingles (Broder 1997), in 24
bands of five: prompts that agree in one band are compared (Leskovec, Rajaraman & Ullman, *Mining of Massive
Datasets*, section 3.4). At a Jaccard similarity of 0.7 that happens with probability 0.99, at 0.6 with 0.86 and at
0.2 with less than 0.01.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from feedback.hygiene.request import Request, same_request

Keys = npt.NDArray[np.uint64]

BANDS, ROWS = 24, 5
# The seven-hundred-and-first shingle of a text adds little; those with the smallest hashes stay, which is a
# fair sample and the same one for like texts.
_MOST_SHINGLES = 700
_MOST_CHARACTERS = 20_000
# A band that very many prompts share says nothing; each is then compared with so many that differ.
_MOST_LEADERS = 12

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
    """The keys of many prompts: 192 bytes each."""

    def __init__(self) -> None:
        self._keys = array("Q")

    def add(self, text: str) -> None:
        """Add a normalised prompt; its number is how many there were before."""
        self._keys.frombytes(band_keys(text).tobytes())

    def __len__(self) -> int:
        return len(self._keys) // BANDS

    def bands(self) -> Iterator[Sequence[npt.NDArray[np.int64]]]:
        """For each band the numbers of prompts that share a key in it, in runs of two or more."""
        keys = np.frombuffer(self._keys, dtype=np.uint64).reshape(-1, BANDS)
        for band in range(BANDS):
            column = keys[:, band]
            order = np.argsort(column, kind="stable")
            ends = np.flatnonzero(np.diff(column[order])) + 1
            yield [run for run in np.split(order, ends) if len(run) > 1]


class Groups:
    """Which prompts belong together (union-find)."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))

    def find(self, number: int) -> int:
        """The first prompt of a group."""
        parent = self._parent
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    def join(self, one: int, other: int) -> None:
        """Put two prompts, and all that belong to them, together."""
        first, second = sorted((self.find(one), self.find(other)))
        self._parent[second] = first


def near_duplicates(
    signatures: Signatures,
    text_of: Callable[[int], str],
    alike: Callable[[Request, Request], bool] = same_request,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Groups:
    """Group the prompts that `alike` takes for the same.

    Args:
        text_of: the normalised prompt of a number; asked for only where two have to be compared.
    """
    groups = Groups(len(signatures))
    known = _Known(text_of)
    for band, runs in enumerate(signatures.bands(), 1):
        for run in runs:
            _group_run(run.tolist(), groups, known, alike)
        progress(band, BANDS)
    return groups


def _group_run(
    run: list[int],
    groups: Groups,
    known: _Known,
    alike: Callable[[Request, Request], bool],
) -> None:
    leaders: list[int] = []
    for number in run:
        own = groups.find(number)
        if own in leaders:
            continue
        for leader in leaders:
            if groups.find(leader) == own or known.differ(leader, number):
                continue
            if alike(known.request(leader), known.request(number)):
                groups.join(leader, number)
                break
            known.note(leader, number)
        else:
            if len(leaders) < _MOST_LEADERS:
                leaders.append(own if own in run else number)


class _Known:
    """Prompts that were read lately, and pairs that were found to differ."""

    _PROMPTS, _PAIRS = 20_000, 500_000

    def __init__(self, text_of: Callable[[int], str]) -> None:
        self._text_of = text_of
        self._requests: dict[int, Request] = {}
        self._differ: set[tuple[int, int]] = set()

    def request(self, number: int) -> Request:
        found = self._requests.get(number)
        if found is None:
            if len(self._requests) == self._PROMPTS:
                self._requests.clear()
            found = self._requests[number] = Request.of_normal(self._text_of(number))
        return found

    def differ(self, one: int, other: int) -> bool:
        return (one, other) in self._differ

    def note(self, one: int, other: int) -> None:
        if len(self._differ) == self._PAIRS:
            self._differ.clear()
        self._differ.add((one, other))


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
