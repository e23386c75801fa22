"""The parent's end of one worker process."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import struct
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from contract.errors import ConfigurationError
from ingest.reading import Reading

LENGTH = struct.Struct(">Q")
_PIECE = 1024 * 1024

# A worker that died this near its bound died of it: allocators give up before the last byte.
_NEAR = 0.75


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a worker may use for one file."""

    seconds: float
    memory_bytes: int
    file_bytes: int


@dataclass(frozen=True, slots=True)
class Job:
    """File number `number` of a run."""

    number: int
    location: Path


class Worker:
    """A process that reads one file at a time.

    `job` is the file it has been given, None while it is idle. `fresh` says that this is its first,
    so that whatever goes wrong is the fault of this file and of none before.
    """

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        values = [str(value) for value in (bounds.seconds, bounds.memory_bytes, bounds.file_bytes)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ingest.worker", str(os.getpid()), *values],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            # Where this package is, so that it is found whatever made it importable here.
            cwd=Path(__file__).parents[1],
        )
        assert self._process.stdin and self._process.stdout
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        os.set_blocking(self._stdout.fileno(), False)
        self._buffer = bytearray()
        self._ready = False
        self._given_at = 0.0
        self.job: Job | None = None
        self.fresh = True
        self._files = 0

    def fileno(self) -> int:
        """What to wait on for an answer."""
        return self._stdout.fileno()

    def give(self, job: Job) -> None:
        """Send a file to read."""
        self.job, self._given_at = job, time.monotonic()
        self._files += 1
        self.fresh = self._files == 1
        # JSON in ASCII carries file names that are no text; a worker that has just died is noticed
        # when its answer does not come.
        line = json.dumps(os.fsdecode(job.location.absolute())).encode()
        with contextlib.suppress(BrokenPipeError):
            self._stdin.write(LENGTH.pack(len(line)) + line)

    def deadline(self) -> float | None:
        """When (monotonic) the file in work has taken too long; None while it can't."""
        # Once an answer has begun, the reading is done, and only the parent can be late.
        if self.job is None or not self._ready or self._buffer:
            return None
        return self._given_at + self._bounds.seconds

    def answer(self) -> dict[str, Any] | None:
        """The answer if it has come in whole.

        Raises:
            EOFError: the process has ended.
            ConfigurationError: it ended before it could begin.
        """
        self._fill()
        if not self._ready and self._frame() is not None:
            self._ready, self._given_at = True, time.monotonic()
        frame = self._frame()
        return None if frame is None else orjson.loads(frame)

    def _fill(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                piece = os.read(self.fileno(), _PIECE)
                if not piece:
                    if not self._ready and not self._buffer:
                        raise ConfigurationError(
                            "The process that reads files can't start; what it says stands above."
                        )
                    raise EOFError
                self._buffer += piece

    def _frame(self) -> bytes | None:
        if len(self._buffer) < LENGTH.size:
            return None
        (length,) = LENGTH.unpack_from(self._buffer)
        end = LENGTH.size + length
        if len(self._buffer) < end:
            return None
        frame = bytes(memoryview(self._buffer)[LENGTH.size : end])
        del self._buffer[:end]
        return frame

    def stop(self) -> None:
        """End the process, whatever it does."""
        if self._process.returncode is None:
            self._process.kill()
            self._process.wait()
        self._stdin.close()
        self._stdout.close()

    def late(self) -> Reading:
        """Stop, and say that the file took too long."""
        self.stop()
        return self._failed(_too_long(self._bounds))

    def crashed(self) -> Reading:
        """Say why the process ended in the middle of its file."""
        _, status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = code = os.waitstatus_to_exitcode(status)
        self.stop()
        unit = 1 if sys.platform == "darwin" else 1024
        near = usage.ru_maxrss * unit > _NEAR * self._bounds.memory_bytes
        if code == -signal.SIGXCPU:
            return self._failed(_too_long(self._bounds))
        if code == -signal.SIGKILL or near:
            return self.out_of_memory()
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return self._failed(f"The parser crashed while reading it ({how}).")

    def out_of_memory(self) -> Reading:
        """Say that the file needed too much."""
        return self._failed(f"Reading it needed more than {_size(self._bounds)} of memory.")

    def _failed(self, reason: str) -> Reading:
        assert self.job
        return Reading(self.job.location, "", None, "failed", reason)


def _too_long(bounds: Bounds) -> str:
    return f"Reading took longer than {bounds.seconds:g} s and was stopped."


def _size(bounds: Bounds) -> str:
    return f"{bounds.memory_bytes / 2**30:.3g} GB"
