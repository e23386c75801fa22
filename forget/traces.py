"""Distinctive stretches of texts, and looking for many of them in bytes at once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import orjson

# Characters of a stretch. SQLite splits long texts over pages, so a stretch is short and a text has
# several; a shorter one would stand in other texts by chance.
_LATIN, _HAN = 24, 12
_FEWEST_BYTES = 12
_FEWEST_CHARACTERS = 6
_BLOCK = 256 * 1024
_TABLE_BITS = 21
_MIX = (np.uint32(0x9E3779B1), np.uint32(0x85EBCA77), np.uint32(0xC2B2AE3D))


def stretches(text: str, most: int | None = None) -> Iterator[bytes]:
    """Stretches of a text as files may hold them: UTF-8, and as JSON writes it with and without `\\u`.

    Args:
        text: the text.
        most: how many, evenly spread; None takes one after the other, so that every quotation of twice
            their length holds a whole one.
    """
    size = _HAN if any(ord(character) > 0x2E80 for character in text[:200]) else _LATIN
    number = max(1, len(text) // size)
    step = size if most is None or number <= most else len(text) // most
    last = max(0, len(text) - size)
    for start in dict.fromkeys([*range(0, last + 1, step), last]):
        piece = text[start : start + size]
        raw = piece.encode("utf-8", "replace")
        if len(raw) >= _FEWEST_BYTES and len(set(piece)) >= _FEWEST_CHARACTERS:
            written = (orjson.dumps(raw.decode())[1:-1], json.dumps(piece)[1:-1].encode())
            yield from dict.fromkeys((raw, *written))


class Traces:
    """Looks for stretches of at least twelve bytes each, however many, in one pass over the bytes."""

    def __init__(self, wanted: Iterable[bytes]) -> None:
        self._wanted: dict[bytes, list[bytes]] = {}
        for stretch in set(wanted):
            self._wanted.setdefault(stretch[:_FEWEST_BYTES], []).append(stretch)
        self._longest = max((len(s) for found in self._wanted.values() for s in found), default=0)
        self._table = np.zeros(1 << _TABLE_BITS, dtype=bool)
        if self._wanted:
            self._table[_hashes(b"".join(self._wanted), 0)[::3]] = True

    def found_in(self, content: bytes) -> set[bytes]:
        """Those that stand somewhere in these bytes."""
        found: set[bytes] = set()
        if not self._wanted:
            return found
        for shift in range(4):
            for place in np.flatnonzero(self._table[_hashes(content, shift)]):
                start = 4 * int(place) + shift
                for stretch in self._wanted.get(content[start : start + _FEWEST_BYTES], ()):
                    if content.startswith(stretch, start):
                        found.add(stretch)
        return found

    def found_among(self, pieces: Iterable[bytes]) -> set[bytes]:
        """Those that stand in any of many pieces; what has been found is not looked for again."""
        found: set[bytes] = set()
        left = self
        for piece in pieces:
            if here := left.found_in(piece):
                found |= here
                left = left._without(here)
        return found

    def found_in_file(self, path: Path) -> tuple[set[bytes], int]:
        """Those that stand in a file, and how many bytes it has; nothing in one that is gone."""
        try:
            with path.open("rb") as file:
                return self.found_among(_blocks(file, self._longest)), file.tell()
        except FileNotFoundError:
            return set(), 0

    def _without(self, found: set[bytes]) -> Traces:
        return Traces({s for some in self._wanted.values() for s in some} - found)


def _blocks(file: BinaryIO, overlap: int) -> Iterator[bytes]:
    before = b""
    while block := file.read(_BLOCK):
        yield before + block
        before = (before + block)[-max(1, overlap) :]


def spread(pieces: Sequence[bytes], most: int) -> list[bytes]:
    """So many of these at most, evenly spread."""
    return list(pieces[:: max(1, -(-len(pieces) // most))])


def _hashes(content: bytes, shift: int) -> npt.NDArray[np.uint32]:
    """A hash of every twelve bytes that begin at `shift`, `shift` + 4, …"""
    count = (len(content) - shift) // 4
    if count < 3:
        return np.zeros(0, dtype=np.uint32)
    words = np.frombuffer(content, dtype="<u4", offset=shift, count=count)
    mixed = words[:-2] * _MIX[0] ^ words[1:-1] * _MIX[1] ^ words[2:] * _MIX[2]
    return mixed >> np.uint32(32 - _TABLE_BITS)
