"""`plumbline ingest` as a child process: the server never imports it, and never waits for it."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from contract.settings import Settings

Progress = Callable[[str, int, int], None]

# Another ingest, one that a person started, may take its time.
_WAIT_SECONDS = 600
_SOME_FAILED = 3
_PROGRESS = re.compile(r"\s*(\w+) (\d+)/(\d+)\s*")


@dataclass(frozen=True, slots=True)
class Ended:
    """How the child ended: the lines of its report, or why there is none."""

    worked: bool
    files: list[dict[str, Any]]
    error: str | None


class IngestProcess:
    """Runs one child at a time, with the settings of the server."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._child: subprocess.Popen[str] | None = None
        self._stopped = False

    def run(self, kind: str, paths: Sequence[Path], collection: str, progress: Progress) -> Ended:
        """Take paths in (`add`) or out (`remove`), and wait for it."""
        with tempfile.TemporaryFile() as report:
            child = self._start(self._command(kind, paths, collection), report.fileno())
            if child is None:
                return Ended(False, [], "The server is stopping.")
            last: deque[str] = deque(maxlen=5)
            with child:
                assert child.stderr is not None
                for line in child.stderr:
                    if match := _PROGRESS.fullmatch(line):
                        progress(match[1], int(match[2]), int(match[3]))
                    elif line.strip():
                        last.append(line.strip())
            report.seek(0)
            return _ended(child.returncode, report.read(), " ".join(last))

    def stop(self) -> None:
        """End the child, if there is one; what it did not finish it leaves as it was."""
        with self._lock:
            self._stopped = True
            if self._child and self._child.poll() is None:
                self._child.terminate()

    def _start(self, command: list[str], stdout: int) -> subprocess.Popen[str] | None:
        with self._lock:
            if self._stopped:
                return None
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                env=self._settings.environment("retrieval", "ingest"),
            )
            return self._child

    def _command(self, kind: str, paths: Sequence[Path], collection: str) -> list[str]:
        """An argument list, never a shell; values are tied to their options, so none is taken for one."""
        return [
            *(sys.executable, "-m", "plumbline", "ingest", "--json"),
            f"--index={self._settings.index.resolve()}",
            f"--collection={collection}",
            f"--wait={_WAIT_SECONDS}",
            *(["--remove"] if kind == "remove" else []),
            "--",
            *map(str, paths),
        ]


def _ended(code: int, report: bytes, said: str) -> Ended:
    if code not in (0, _SOME_FAILED):
        return Ended(False, [], said.removeprefix("Error: ") or f"It ended with code {code}.")
    try:
        return Ended(True, orjson.loads(report)["files"], None)
    except (orjson.JSONDecodeError, KeyError):
        return Ended(False, [], "It gave no report.")
