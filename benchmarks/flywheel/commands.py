"""Commands of Plumbline, each in a process of its own.

They are forks of one process that has imported what trains: that takes longer than most of these runs.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_PRELOADED = [
    "feedback.export_command",
    "server.promotion.command",
    "training.command",
    "training.evaluation.command",
    "training.evaluation.generate",
    "training.trainers.dpo",
    "training.trainers.grpo",
    "training.trainers.rm",
    "training.trainers.sft",
]
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(_PRELOADED)


def plumbline(*arguments: str) -> str:
    """Run a command of Plumbline; what it said.

    Raises:
        RuntimeError: it failed; with what it said.
    """
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "said"
        process = _CONTEXT.Process(target=_run, args=(str(output), arguments))
        process.start()
        process.join()
        said = output.read_text("utf-8", "replace") if output.exists() else ""
    if process.exitcode != 0:
        raise RuntimeError(f"plumbline {' '.join(arguments)} failed:\n{said[-4000:]}")
    return said


def beside(*commands: Sequence[str]) -> None:
    """Run commands that need nothing of one another at the same time.

    Raises:
        RuntimeError: one of them failed; the others came to their end.
    """
    with ThreadPoolExecutor(len(commands)) as threads:
        done = [threads.submit(plumbline, *command) for command in commands]
    for one in done:
        one.result()


def _run(output: str, arguments: Sequence[str]) -> None:
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT, 0o600)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    # Late: this module is imported before its process is ready for the rest.
    import torch

    from plumbline import cli

    # Matrices of a tiny policy are done before a second thread has been woken, and commands run side by side.
    torch.set_num_threads(1)
    cli(list(arguments))
