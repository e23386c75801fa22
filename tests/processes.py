"""`plumbline` as processes of their own that are there at once.

Each is a fork of one process that has done the imports, which take longer than most tests. That the command starts
from nothing as well is proven where workers, a small disk and training are.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from pathlib import Path

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.preload"])


class Started:
    """A command that runs; what of `subprocess.Popen` the tests use.

    Args:
        arguments: of `plumbline`.
        output: the file that takes what it says.
    """

    def __init__(self, arguments: Sequence[str], output: Path) -> None:
        self._output = output
        output.touch()
        self._process = _CONTEXT.Process(target=_become, args=(str(output), list(arguments)))
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

    def wait(self, timeout: float = 60) -> int:
        """Wait for its end; its exit status."""
        self._process.join(timeout)
        status = self.poll()
        assert status is not None, f"it did not end within {timeout} s:\n{self.said[-2000:]}"
        return status


def _become(output: str, arguments: list[str]) -> None:
    descriptor = os.open(output, os.O_WRONLY | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    # Late: this module is imported where nothing else has been yet.
    from plumbline import cli

    cli(arguments)
