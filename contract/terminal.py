"""How the command line speaks: errors as sentences, progress for people, JSON for programs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from contract.errors import PlumblineError
from contract.settings import Settings

SOME_FAILED = 3

_SECONDS_BETWEEN_LINES = 2.0

Overrides = dict[str, Any]


class Command(click.Command):
    """A subcommand that ends with a plain sentence and exit code 1 where something is wrong."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except PlumblineError as error:
            click.echo(f"Error: {error.message}", err=True)
            context.exit(1)


Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def together(*options: Callable[[Decorated], Decorated]) -> Callable[[Decorated], Decorated]:
    """Several options as one decorator, shown in the order in which they stand."""

    def decorate(command: Decorated) -> Decorated:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


config_option = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Settings file (YAML). The environment (PLUMBLINE_…) and flags go before it.",
)
index_option = click.option(
    "--index", "index_dir", type=click.Path(path_type=Path), help="Index folder."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


def load_settings(config: Path | None, **overrides: Any) -> Settings:
    """Settings of a command; double underscores in a name stand for dots."""
    return Settings.load(config, {name.replace("__", "."): v for name, v in overrides.items()})


def print_json(value: Any, *, indent: bool = False) -> None:
    """One JSON value on standard output."""
    option = orjson.OPT_INDENT_2 if indent else 0
    sys.stdout.buffer.write(orjson.dumps(value, option=option) + b"\n")
    sys.stdout.buffer.flush()


@contextmanager
def progress_bars() -> Iterator[Callable[[str, int, int], None]]:
    """A function (stage, done, total) that draws a bar for each stage while a person is watching.

    Where nobody is, a line such as `reading 120/500` tells a program or a log every few seconds.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _progress_lines()
        return
    columns = (TextColumn("{task.description:>9}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as progress:
        tasks: dict[str, Any] = {}

        def show(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = progress.add_task(stage, total=total)
            progress.update(tasks[stage], completed=done, total=total)

        yield show


def _progress_lines() -> Callable[[str, int, int], None]:
    told = time.monotonic()

    def show(stage: str, done: int, total: int) -> None:
        nonlocal told
        if time.monotonic() - told >= _SECONDS_BETWEEN_LINES:
            told = time.monotonic()
            click.echo(f"{stage} {done}/{total}", err=True)

    return show
