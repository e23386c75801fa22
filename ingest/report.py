"""What an ingest did, file by file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

# `new` and `changed` are what a dry run expects of a file.
Status = Literal[
    "indexed",
    "unchanged",
    "removed",
    "empty",
    "unsupported",
    "failed",
    "forgotten",
    "new",
    "changed",
]


@dataclass(frozen=True, slots=True)
class FileReport:
    """One file. `chars` and `chunks` count what stands in the index now."""

    path: str
    status: Status
    reason: str = ""
    chars: int = 0
    chunks: int = 0

    def to_wire(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "status": self.status,
            "reason": self.reason,
            "chars": self.chars,
            "chunks": self.chunks,
        }


@dataclass(slots=True)
class Report:
    """All files of one run."""

    files: list[FileReport] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """How many files have each status."""
        return dict(sorted(Counter(file.status for file in self.files).items()))

    @property
    def failed(self) -> bool:
        """Did any file fail?"""
        return any(file.status == "failed" for file in self.files)

    def to_wire(self) -> dict[str, Any]:
        """The output of `ingest --json`."""
        return {"files": [file.to_wire() for file in self.files], "counts": self.counts}
