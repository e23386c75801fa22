"""Commands of Plumbline, each in a process of its own.

They are forks of one process that has imported what trains: that takes longer than most of these runs.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.forked import Forked, preload

preload(
    "feedback.export_command",
    "server.promotion.command",
    "training.command",
    "training.evaluation.command",
    "training.evaluation.generate",
    "training.trainers.dpo",
    "training.trainers.grpo",
    "training.trainers.rm",
    "training.trainers.sft",
)


def plumbline(*arguments: str) -> str:
    """Run a command of Plumbline; what it said.

    Raises:
        RuntimeError: it failed; with what it said.
    """
    with tempfile.TemporaryDirectory() as folder:
        # Matrices of a tiny policy are done before a second thread has been woken, and commands run side by side.
        process = Forked(arguments, Path(folder) / "said", threads=1)
        status, said = process.wait(), process.said
    if status != 0:
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
