"""`plumbline log`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from contract.terminal import (
    Command,
    config_option,
    json_option,
    load_settings,
    print_json,
    progress_bars,
)
from feedback.backup import Contents
from feedback.backup import backup as make_backup
from feedback.backup import verify as check

data_dir_option = click.option(
    "--data-dir", type=click.Path(path_type=Path), help="Where the log lives."
)


@click.group()
def log() -> None:
    """Copy the log of turns and feedback, and check it.

    A server may run meanwhile.
    """


@log.command(cls=Command)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="File to write.")
@click.option("--force", is_flag=True, help="Replace that file if it is there.")
@json_option
@data_dir_option
@config_option
def backup(
    out: Path, force: bool, as_json: bool, data_dir: Path | None, config: Path | None
) -> None:
    """Copy the log into one file, while a server writes to it.

    What was acknowledged before the copy began is in it. The file appears when it is whole and checked,
    and only its owner can read it. To restore: stop the server, move log.sqlite, log.sqlite-wal and
    log.sqlite-shm away, put the copy in their place.

    \b
    Example:
      plumbline log backup --out "backups/log-$(date +%F).sqlite"
    """
    source = load_settings(config, data_dir=data_dir).log_file
    with progress_bars() as progress:
        contents = make_backup(source, out, progress, force=force)
    _show(f"Copied {source} to {out}", contents, as_json)


@log.command(cls=Command)
@click.argument("file", required=False, type=click.Path(path_type=Path))
@json_option
@data_dir_option
@config_option
def verify(file: Path | None, as_json: bool, data_dir: Path | None, config: Path | None) -> None:
    """Check every page and index of the log, or of FILE, a copy of one."""
    path = file or load_settings(config, data_dir=data_dir).log_file
    _show(f"{path} is whole", check(path), as_json)


def _show(what: str, contents: Contents, as_json: bool) -> None:
    if as_json:
        print_json(asdict(contents))
        return
    rows = ", ".join(f"{number} rows of {table}" for table, number in contents.rows.items())
    click.echo(f"{what}: schema {contents.schema}, {rows}.")
