"""Which files a run is about."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ingest.labels import is_sidecar


@dataclass(frozen=True, slots=True)
class Source:
    """A file: `path` as people wrote it, `location` as the system knows it. `leads_out` is true of a
    link to a place that nobody asked to have ingested."""

    path: Path
    location: Path
    leads_out: bool = False


def walk(roots: Sequence[Path], on_error: Callable[[OSError], None]) -> Iterator[Source]:
    """Regular files below the roots, sorted, each once; hidden files and folders are left out.

    Links to folders are not followed, so a loop can't trap the walk; links to files are, and those
    that lead out of the roots are told apart. Pipes and devices are no documents. A folder that can't
    be listed is given to `on_error`.
    """
    seen: set[Path] = set()
    inside = {root.resolve() for root in roots}
    for root in roots:
        for path in _files(root, on_error):
            location = path.resolve()
            if location not in seen and path.is_file() and not is_sidecar(path.name):
                seen.add(location)
                within = location in inside or not inside.isdisjoint(location.parents)
                yield Source(path, location, leads_out=not within)


def _files(root: Path, on_error: Callable[[OSError], None]) -> Iterator[Path]:
    if not root.is_dir():
        yield root
        return
    for folder, names, files in os.walk(root, onerror=on_error):
        names[:] = sorted(name for name in names if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith("."):
                yield Path(folder) / name


def stamp(status: os.stat_result) -> str:
    """What changes whenever a file's content does: size, inode, times of content and of change. The last
    of them can't be set by a program."""
    return f"{status.st_size}:{status.st_ino}:{status.st_mtime_ns}:{status.st_ctime_ns}"
