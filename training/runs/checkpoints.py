"""Checkpoints that are whole or not used.

A checkpoint is many files, and a kill may come between any two of them. When all are on the disk, one more
file lists them; a checkpoint without that list, or with files of other sizes, is thrown away.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from contract.files import sync, write_atomically

_WHOLE = "whole.json"
_PREFIX = "checkpoint-"


def checkpoint_at(folder: Path, step: int) -> Path:
    """The checkpoint of a step."""
    return folder / f"{_PREFIX}{step}"


def mark_whole(checkpoint: Path) -> None:
    """Make a checkpoint durable and list its files; from here on it may be used."""
    sizes = {}
    for path in sorted(checkpoint.rglob("*")):
        if path.is_file():
            sync(path)
            sizes[str(path.relative_to(checkpoint))] = path.stat().st_size
    write_atomically(checkpoint / _WHOLE, json.dumps(sizes).encode())


def is_whole(checkpoint: Path) -> bool:
    """Is everything there that was written?"""
    try:
        sizes = json.loads((checkpoint / _WHOLE).read_bytes())
        return all((checkpoint / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError):
        return False


def whole_steps(folder: Path) -> list[int]:
    """The steps of all whole checkpoints, in order."""
    found = [p for p in folder.glob(f"{_PREFIX}*") if is_whole(p)]
    return sorted(int(p.name.removeprefix(_PREFIX)) for p in found)


def clean(folder: Path) -> Path | None:
    """Throw half-written checkpoints away; the last whole one, or None where there is none."""
    for path in folder.glob(f"{_PREFIX}*"):
        if not is_whole(path):
            shutil.rmtree(path)
    steps = whole_steps(folder)
    return checkpoint_at(folder, steps[-1]) if steps else None


def rotate(folder: Path, keep: int, always: set[int]) -> None:
    """Remove all checkpoints but the last few whole ones and those of some steps."""
    for step in whole_steps(folder)[:-keep]:
        if step not in always:
            shutil.rmtree(checkpoint_at(folder, step))
