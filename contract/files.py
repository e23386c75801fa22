"""Files that are written whole or not at all, and files of one value a line."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import ValidationError


def write_atomically(path: Path, content: bytes) -> None:
    """Write so that a reader sees the old content or the new, even after a power loss."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(content)
    put_in_place(draft, path)


def put_in_place(draft: Path, path: Path) -> None:
    """Make a file that was written under another name durable, then give it its name."""
    sync(draft)
    draft.replace(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Make what was written to a file durable, or the names of files in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def stamp_of(path: Path) -> tuple[int, int, int] | None:
    """What changes whenever a file is replaced or written; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size


def count_lines(path: Path) -> int:
    """Number of lines, for a progress bar."""
    with path.open("rb") as file:
        return sum(1 for _ in file)


def problem_of(error: ValidationError) -> str:
    """The first thing that is wrong in one line, after its place in the line where it has one."""
    problem = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in problem["loc"])
    return f"{place}: {problem['msg']}" if place else problem["msg"]
