"""Several server processes behind one port: started, watched, restarted, and stopped together."""

from __future__ import annotations

import logging
import multiprocessing
import signal
import socket
import threading
import time
from collections.abc import Callable
from types import FrameType

from contract.settings import Settings

# A process that ends sooner than this after its start is broken, not unlucky.
_SETTLED_SECONDS = 20.0
_LOOK_SECONDS = 0.5

_log = logging.getLogger(__name__)

Serve = Callable[[Settings, socket.socket], None]


class Workers:
    """Processes that accept from one listening socket. Each builds its own parts; index, vectors and log
    are files that they share.

    Args:
        serve: what a process does; it returns when it is told to stop (SIGTERM).
    """

    def __init__(self, settings: Settings, listening: socket.socket, serve: Serve) -> None:
        self._settings = settings
        self._listening = listening
        self._serve = serve
        self._context = multiprocessing.get_context("spawn")
        self._stopping = threading.Event()
        self._processes: list[tuple[multiprocessing.process.BaseProcess, float]] = []

    def run(self) -> bool:
        """Serve until SIGTERM or SIGINT; False where a process ended right after its start."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        self._processes = [self._started() for _ in range(self._settings.server.workers)]
        healthy = True
        while healthy and not self._stopping.wait(_LOOK_SECONDS):
            healthy = self._restart_the_dead()
        for process, _ in self._processes:
            if process.is_alive():
                process.terminate()
        for process, _ in self._processes:
            process.join()
        return healthy

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping.set()

    def _restart_the_dead(self) -> bool:
        for place, (process, since) in enumerate(self._processes):
            if process.is_alive() or self._stopping.is_set():
                continue
            if time.monotonic() - since < _SETTLED_SECONDS:
                _log.error("a server process ended at its start with %s", process.exitcode)
                return False
            _log.error("a server process ended with %s; it is started again", process.exitcode)
            self._processes[place] = self._started()
        return True

    def _started(self) -> tuple[multiprocessing.process.BaseProcess, float]:
        process = self._context.Process(target=self._serve, args=(self._settings, self._listening))
        process.start()
        return process, time.monotonic()
