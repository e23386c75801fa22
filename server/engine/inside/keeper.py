"""The process between Plumbline and an engine; standard library only.

    python keeper.py LOG LOG_BYTES COMMAND…

It runs the command in its own process group, writes what it says to LOG (which becomes LOG.1 when it is
larger than LOG_BYTES), and ends the whole group when the command ends, when standard input is closed, or
when the process that started it is gone, however that died. It exits with the command's status.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

_POLL_SECONDS = 0.5
_GRACE_SECONDS = 15.0
_CHILDREN_GRACE_SECONDS = 3.0


class BoundedLog:
    """A file that is renamed when it has grown too large; two files are the most there are."""

    def __init__(self, path: Path, limit: int) -> None:
        self._path, self._limit = path, limit
        self._file = path.open("ab")

    def write(self, content: bytes) -> None:
        """Write through, so that nothing is lost where this process is killed."""
        if self._file.tell() + len(content) > self._limit:
            self._file.close()
            self._path.replace(self._path.with_name(self._path.name + ".1"))
            self._file = self._path.open("ab")
        self._file.write(content)
        self._file.flush()


class Keeper:
    """One engine, from start to end."""

    def __init__(self, log: BoundedLog, command: list[str]) -> None:
        self._log = log
        self._parent = os.getppid()
        self._asked_to_stop = False
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        self._engine = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert self._engine.stdout is not None
        self._output = self._engine.stdout.fileno()
        os.set_blocking(self._output, False)
        self._events = selectors.DefaultSelector()
        self._events.register(self._output, selectors.EVENT_READ)
        self._events.register(0, selectors.EVENT_READ)

    def run(self) -> int:
        """Keep the engine until it or its owner ends; returns the exit status."""
        while not self._ended() and not self._asked_to_stop:
            self._turn(_POLL_SECONDS)
            self._asked_to_stop |= os.getppid() != self._parent
        os.killpg(0, signal.SIGTERM)
        self._turn_until(self._ended, _GRACE_SECONDS)
        self._turn_until(self._silent, _CHILDREN_GRACE_SECONDS)
        status = self._engine.poll()
        self._note(f"the engine ended with status {status}")
        if status is None or not self._silent():
            # This process is in the group as well, and has nothing left to do.
            os.killpg(0, signal.SIGKILL)
        assert status is not None
        return status if status >= 0 else 128 - status

    def _ended(self) -> bool:
        return self._engine.poll() is not None

    def _silent(self) -> bool:
        """Has everything that the engine started let go of its output?"""
        return self._output not in self._events.get_map()

    def _turn_until(self, done: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not done() and time.monotonic() < deadline:
            self._turn(0.1)

    def _turn(self, seconds: float) -> None:
        for key, _ in self._events.select(seconds):
            try:
                content = os.read(key.fd, 65536)
            except BlockingIOError:
                continue
            if key.fd == self._output and content:
                self._log.write(content)
                continue
            self._events.unregister(key.fd)
            if key.fd == 0:
                self._asked_to_stop = True

    def _note(self, text: str) -> None:
        self._log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} keeper: {text}\n".encode())

    def _stop(self, signum: int, frame: object) -> None:
        self._asked_to_stop = True


def main() -> int:
    """Run as a script."""
    log, limit, *command = sys.argv[1:]
    return Keeper(BoundedLog(Path(log), int(limit)), command).run()


if __name__ == "__main__":
    sys.exit(main())
