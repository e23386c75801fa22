"""`plumbline` as processes that are there at once: forks of one process that has done the imports.

To start a command from nothing takes longer than most of what is measured and tested with it.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from pathlib import Path

_CONTEXT = multiprocessing.get_context("forkserver")
_MODULES: list[str] = []


def preload(*modules: str) -> None:
    """Have these imported before the first fork; what others named stays. Later than that it changes nothing."""
    _MODULES.extend(modules)
    _CONTEXT.set_forkserver_preload(_MODULES)


class Forked:
    """A command that runs; what of `subprocess.Popen` is needed of it.

    Args:
        arguments: of `plumbline`.
        output: the file that takes what it says.
        threads: how many torch may use; None leaves that to it.
    """

    def __init__(
        self, arguments: Sequence[str], output: Path, *, threads: int | None = None
    ) -> None:
        self._output = output
        output.touch()
        given = (str(output), list(arguments), threads)
        self._process = _CONTEXT.Process(target=_become, args=given)
        self._process.start()

    @property
    def pid(self) -> int:
        """Its number."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def said(self) -> str:
        """Everything that it wrote so far, to both of its outputs."""
        return self._output.read_text("utf-8", "replace")

    def poll(self) -> int | None:
        """Its exit status, the negative signal where one ended it, or None while it runs."""
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to stop."""
        self._process.terminate()

    def kill(self) -> None:
        """End it."""
        self._process.kill()

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; its exit status.

        Raises:
            TimeoutError: it goes on after so many seconds; with what it said last.
        """
        self._process.join(timeout)
        status = self.poll()
        if status is None:
            raise TimeoutError(f"it did not end within {timeout} s:\n{self.said[-2000:]}")
        return status


def _become(output: str, arguments: list[str], threads: int | None) -> None:
    descriptor = os.open(output, os.O_WRONLY | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    # Late: this module is imported where nothing else has been yet.
    from plumbline import cli

    if threads is not None:
        import torch

        torch.set_num_threads(threads)
    cli(arguments)
