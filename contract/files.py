"""Files that are written whole or not at all, and files of one value a line."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import ValidationError


def write_atomically(path: Path, content: bytes) -> None:
    """Write so that a reader sees the old content or the new, even after a power loss."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename or a new file in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def count_lines(path: Path) -> int:
    """Number of lines, for a progress bar."""
    with path.open("rb") as file:
        return sum(1 for _ in file)


def problem_of(error: ValidationError) -> str:
    """The first thing that is wrong in one line, after its place in the line where it has one."""
    problem = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in problem["loc"])
    return f"{place}: {problem['msg']}" if place else problem["msg"]
