"""Examples on disk between the two passes of an export; what every step asks for stays in memory."""

from __future__ import annotations

import hashlib
import os
from array import array
from pathlib import Path

from feedback.example import Example, is_known
from feedback.hygiene.normal import normal
from feedback.hygiene.signatures import Signatures

_BUFFER = 2**20


class Lines:
    """Pieces of bytes in a file, by number."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("w+b", _BUFFER)
        self._offsets = array("Q", [0])

    def add(self, piece: bytes) -> None:
        """Add a piece; all are added before the first is read."""
        self._offsets.append(self._offsets[-1] + self._file.write(piece))

    def read(self, number: int) -> bytes:
        """A piece."""
        self._file.flush()
        start, end = self._offsets[number : number + 2]
        # Not through the buffer: pieces are small, and wanted in any order.
        return os.pread(self._file.fileno(), end - start, start)

    def close(self) -> None:
        """Close the file and remove it."""
        self._file.close()
        self._path.unlink(missing_ok=True)


class Spool:
    """Examples by number, in the order in which they came. Some 400 bytes of memory for each.

    Args:
        path: a file that does not exist yet; the folder that it is in is thrown away afterwards.
    """

    def __init__(self, path: Path) -> None:
        self._examples = Lines(path.with_suffix(".examples"))
        self._keys = Lines(path.with_suffix(".keys"))
        self._persons = array("Q")
        self._rows = array("Q", [0])
        self.signatures = Signatures()
        self.opinions = array("I")
        self.teaches = array("b")

    def __len__(self) -> int:
        return len(self._persons)

    def add(self, example: Example) -> None:
        """Add an example; its number is how many there were before."""
        self._examples.add(example.to_line())
        key = normal(example.key)
        self._keys.add(key.encode())
        self._persons.append(_number_of(example.person))
        self.opinions.append(example.opinions)
        self.teaches.extend(example.teaches)
        self._rows.append(len(self.teaches))
        self.signatures.add(key)

    def example(self, number: int) -> Example:
        """An example."""
        return Example.of_line(self._examples.read(number))

    def key(self, number: int) -> str:
        """What an example asked, normalised."""
        return self._keys.read(number).decode()

    def person(self, number: int) -> int | None:
        """Who asked, as a number; None where nobody said."""
        return self._persons[number] or None

    def rows(self, number: int) -> tuple[int, int]:
        """The first place of an example's rows in `teaches`, and the one after the last."""
        return self._rows[number], self._rows[number + 1]

    def close(self) -> None:
        """Remove the files."""
        self._examples.close()
        self._keys.close()


def _number_of(person: str) -> int:
    if not is_known(person):
        return 0
    return int.from_bytes(hashlib.blake2b(person.encode(), digest_size=8).digest(), "big") or 1
