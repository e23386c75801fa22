"""Documents that are to stay out of an index, under a keyed hash that names none of them.

The list stands beside the index folder, `index.forgotten.json` beside `index`, so that it outlives an
index that is removed and made anew.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from contract.errors import ConfigurationError
from contract.files import write_atomically

# An empty file is a copy of nothing.
EMPTY = hashlib.sha256().hexdigest()


class _Entry(BaseModel):
    """One forgetting: the hashes of places and contents that it keeps out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tombstone: str
    places: tuple[str, ...]
    contents: tuple[str, ...]


class _File(BaseModel):
    """The file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    entries: tuple[_Entry, ...] = ()


class Forgotten:
    """The list of one index folder, as it stands now.

    Raises:
        ConfigurationError: it can't be read; what is to stay out is not known then.
    """

    def __init__(self, folder: Path) -> None:
        folder = folder.resolve()
        self.path = folder.with_name(f"{folder.name}.forgotten.json")
        self._file = self._read()
        self._places = {place for entry in self._file.entries for place in entry.places}
        self._contents = {content for entry in self._file.entries for content in entry.contents}

    def holds_place(self, location: Path) -> bool:
        """Was the document at this resolved path forgotten?"""
        return bool(self._places) and self._hash(str(location)) in self._places

    def holds_file(self, location: Path) -> bool:
        """Is this file, under whatever name, one that was forgotten?"""
        if not self._contents:
            return False
        content = content_of(location)
        return content is not None and self._hash(content) in self._contents

    def add(self, tombstone: str, places: Iterable[Path], contents: Iterable[str]) -> None:
        """Keep documents out by their resolved paths and the SHA-256 of their contents. Durable when this
        returns; hold the lock of the index meanwhile."""
        entry = _Entry(
            tombstone=tombstone,
            places=tuple(sorted({self._hash(str(place)) for place in places})),
            contents=tuple(sorted({self._hash(c) for c in contents})),
        )
        self._write((*self._file.entries, entry))

    def lift(self, places: Iterable[Path]) -> list[str]:
        """Let in again what was forgotten at these paths, or had the content that stands there now.

        Returns:
            The tombstones that this lifts.
        """
        places = list(places)
        contents = [c for place in places if (c := content_of(place)) not in (None, EMPTY)]
        hashes = {self._hash(value) for value in [*map(str, places), *contents]}
        lifted = [e for e in self._file.entries if hashes & {*e.places, *e.contents}]
        if lifted:
            self._write(tuple(e for e in self._file.entries if e not in lifted))
        return list(dict.fromkeys(entry.tombstone for entry in lifted))

    def _hash(self, value: str) -> str:
        return hmac.digest(bytes.fromhex(self._file.key), value.encode(), "sha256").hex()

    def _read(self) -> _File:
        if not self.path.exists():
            return _File(key=secrets.token_hex(32))
        try:
            return _File.model_validate_json(self.path.read_bytes())
        except (OSError, ValidationError) as error:
            raise ConfigurationError(
                f"{self.path} can't be read, and so it is not known which documents were forgotten. "
                "Restore it from a backup."
            ) from error

    def _write(self, entries: tuple[_Entry, ...]) -> None:
        self._file = self._file.model_copy(update={"entries": entries})
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self.path, self._file.model_dump_json(indent=2).encode())


def content_of(location: Path) -> str | None:
    """The SHA-256 of a file as hex; None where there is none that can be read."""
    try:
        with location.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
