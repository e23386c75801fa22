"""Which of several server processes does what only one may do: the one that holds a file's lock."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO


class Lead:
    """A lock that the system lets go of when its process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    @property
    def mine(self) -> bool:
        """Does this process lead?"""
        return self._file is not None

    def take(self) -> bool:
        """Lead, unless another process does."""
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = self._path.open("wb")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                file.close()
                return False
            self._file = file
        return True

    def leave(self) -> None:
        """Let another process lead."""
        if self._file is not None:
            self._file.close()
            self._file = None
