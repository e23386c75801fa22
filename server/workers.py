"""Several server processes behind one port: started, watched, restarted, and stopped together."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from types import FrameType

from contract.settings import Settings
from server.telemetry.metrics import forget_process

# A process that ends sooner than this after its start is broken, not unlucky.
_SETTLED_SECONDS = 20.0
_LOOK_SECONDS = 0.5

_log = logging.getLogger(__name__)

Serve = Callable[[Settings, socket.socket], None]


class Workers:
    """Processes that accept from one listening socket. Each builds its own parts; index, vectors and log
    are files that they share.

    Args:
        serve: what a process does; it returns when it is told to stop (SIGTERM). A function of a module,
            since each process is a fresh interpreter.
    """

    def __init__(self, settings: Settings, listening: socket.socket, serve: Serve) -> None:
        self._settings = settings
        self._listening = listening
        self._serve = serve
        self._context = multiprocessing.get_context("spawn")
        self._stopping = threading.Event()
        self._processes: list[tuple[BaseProcess, float]] = []

    def run(self) -> bool:
        """Serve until SIGTERM or Ctrl-C; False where a process ended right after its start."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        self._processes = [self._started() for _ in range(self._settings.server.workers)]
        healthy = True
        while healthy and not self._stopping.wait(_LOOK_SECONDS):
            healthy = self._restart_the_dead()
        if not self._stopping.is_set():
            self._terminate()
        for process, _ in self._processes:
            process.join()
        return healthy

    def _stop(self, number: int, frame: FrameType | None) -> None:
        """Pass every signal on: a first one lets requests finish, a second cuts them short."""
        self._stopping.set()
        self._terminate()

    def _terminate(self) -> None:
        for process, _ in self._processes:
            if process.is_alive():
                process.terminate()

    def _restart_the_dead(self) -> bool:
        for place, (process, since) in enumerate(self._processes):
            if process.is_alive() or self._stopping.is_set():
                continue
            if time.monotonic() - since < _SETTLED_SECONDS:
                _log.error("a server process ended at its start with %s", process.exitcode)
                return False
            _log.error("a server process ended with %s; it is started again", process.exitcode)
            forget_process(process.pid or 0)
            self._processes[place] = self._started()
        return True

    def _started(self) -> tuple[BaseProcess, float]:
        process = self._context.Process(
            target=_work, args=(self._serve, self._settings, self._listening)
        )
        process.start()
        return process, time.monotonic()


def _work(serve: Serve, settings: Settings, listening: socket.socket) -> None:
    # Ctrl-C in a terminal reaches a whole group of processes; here the parent passes it on.
    os.setpgrp()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    serve(settings, listening)


def _end_with_parent() -> None:
    """A parent that was killed can't tell its children to stop."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
