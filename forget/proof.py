"""Is it gone? The files are searched, byte by byte, for what was erased."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contract.settings import Settings
from forget.traces import Traces

_BATCH_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Proof:
    """What a search found.

    Attributes:
        stretches: stretches of the erased texts that were searched for.
        shared: of these, those that others say as well, in rows and files that are there to stay.
        remains: files that hold others, with their number.
    """

    stretches: int
    shared: int
    files: int
    bytes: int
    remains: dict[Path, int] = field(default_factory=dict)

    def to_wire(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "stretches": self.stretches,
            "shared": self.shared,
            "found": sum(self.remains.values()),
            "files": self.files,
            "bytes": self.bytes,
            "remains": {str(path): number for path, number in self.remains.items()},
        }


def prove(settings: Settings, stretches: set[bytes]) -> Proof:
    """Search every file of the log, the index, the uploads and the engines' logs."""
    traces = Traces(stretches)
    found: dict[Path, set[bytes]] = {}
    files = list(_files(settings))
    total = 0
    for path in files:
        found[path], size = traces.found_in_file(path)
        total += size
    somewhere: set[bytes] = set().union(*found.values()) if found else set()
    living = _living(settings, Traces(somewhere)) if somewhere else set()
    remains = {path: len(left) for path in files if (left := found[path] - living)}
    return Proof(len(stretches), len(somewhere & living), len(files), total, remains)


def _files(settings: Settings) -> Iterator[Path]:
    log = settings.log_file
    index = settings.index
    places = (
        log.parent.glob(f"{log.name}*"),
        index.parent.glob(f"{index.name}.*"),
        *(folder.rglob("*") for folder in (index, settings.documents, settings.engine_logs)),
    )
    for found in places:
        yield from sorted(path for path in found if path.is_file())


def _living(settings: Settings, traces: Traces) -> set[bytes]:
    """What stands in rows that anybody can read, and in uploaded files that are in their place."""
    found: set[bytes] = set()
    databases = [settings.log_file, *sorted(settings.index.glob("*.sqlite"))]
    for path in databases:
        found |= traces.found_among(_cells(path))
    for path in settings.documents.glob("c-*/*"):
        found |= traces.found_in_file(path)[0]
    return found


def _cells(path: Path) -> Iterator[bytes]:
    """Everything that a database says, in pieces that are searched one by one."""
    if not path.is_file():
        return
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        tables = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
        yield from _joined(connection.execute("SELECT sql FROM sqlite_master"))
        for (table,) in tables:
            yield from _joined(connection.execute(f'SELECT * FROM "{table}"'))


def _joined(rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    waiting: list[bytes] = []
    size = 0
    for row in rows:
        cells = (c.encode() if isinstance(c, str) else c for c in row if isinstance(c, str | bytes))
        waiting.append(b"\0".join(cells))
        size += len(waiting[-1])
        if size >= _BATCH_BYTES:
            yield b"\0".join(waiting)
            waiting, size = [], 0
    yield b"\0".join(waiting)
