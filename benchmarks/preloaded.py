"""`plumbline`, with its imports done already: a process that forks itself for each command.

    python -m benchmarks.preloaded

Each line on standard input is a JSON list: the file for what the command says, then its arguments. The answer is
the number of its process. To start a server a hundred times would mean to import torch a hundred times.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import click

import server.command  # noqa: F401 - imported for the forks
from contract.settings import Settings
from plumbline import cli
from rbrm.assembly import build_judge
from text.encoder import Encoder


def main() -> None:
    """Fork for each line, until there are no more."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    # Brings in what is imported late. Nothing is encoded, so there are no threads that a fork would lose.
    build_judge(Settings().judge, Encoder())
    for line in sys.stdin:
        output, *arguments = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(Path(output), arguments)
        click.echo(child)


def _become(output: Path, arguments: list[str]) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    for descriptor, flags in ((0, os.O_RDONLY), (1, os.O_WRONLY), (2, os.O_WRONLY)):
        path = os.devnull if descriptor == 0 else str(output)
        os.dup2(os.open(path, flags | os.O_APPEND), descriptor)
    cli(arguments)


if __name__ == "__main__":
    main()
