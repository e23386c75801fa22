"""The command line: one subcommand for each job, and nothing else."""

from __future__ import annotations

import importlib
from importlib.metadata import version

import click

# Where each command lives. They are imported when they are called, so that `--help` is immediate.
COMMANDS = {
    "serve": "server.command:serve",
    "ingest": "ingest.command:ingest",
    "search": "retrieval.command:search",
    "index": "retrieval.command:index",
    "judge": "rbrm.command:judge",
    "rubric": "rbrm.rubric_command:rubric",
    "feedback": "feedback.feedback_command:feedback",
    "export": "feedback.export_command:export",
    "train": "training.command:train",
    "eval": "training.evaluation.command:evaluation",
    "replay": "server.replay.command:replay",
    "forget": "forget.command:forget",
    "log": "feedback.log_command:log",
    "keys": "server.keys_command:keys",
    "policy": "server.promotion.command:policy",
}


class LazyGroup(click.Group):
    """A group that imports a command's module only when the command is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].split(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=LazyGroup)
@click.version_option(version("plumbline"), prog_name="plumbline")
def cli() -> None:
    """Plumbline serves your own language model, grounded in your documents and held to your rules.

    \b
    A first walk:
      plumbline ingest examples/handbook         documents become an index
      plumbline serve                            http://127.0.0.1:8000/v1
      plumbline export dpo --out round-1         preferences become training data
    """


if __name__ == "__main__":
    cli()
