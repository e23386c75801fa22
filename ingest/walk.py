"""Which files a run is about."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Source:
    """A file: `path` as people wrote it, `location` as the system knows it."""

    path: Path
    location: Path


def walk(roots: Sequence[Path], on_error: Callable[[OSError], None]) -> Iterator[Source]:
    """Regular files below the roots, sorted, each once; hidden files and folders are left out.

    Links to files are followed, links to folders are not, so a loop can't trap the walk; pipes and
    devices are no documents. A folder that can't be listed is given to `on_error`.
    """
    seen: set[Path] = set()
    for root in roots:
        for path in _files(root, on_error):
            location = path.resolve()
            if location not in seen and path.is_file():
                seen.add(location)
                yield Source(path, location)


def _files(root: Path, on_error: Callable[[OSError], None]) -> Iterator[Path]:
    if not root.is_dir():
        yield root
        return
    for folder, names, files in os.walk(root, onerror=on_error):
        names[:] = sorted(name for name in names if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and not name.endswith(".plumbline.yaml"):
                yield Path(folder) / name
