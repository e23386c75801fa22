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
from feedback.restore import restore as put_back

data_dir_option = click.option(
    "--data-dir", type=click.Path(path_type=Path), help="Where the log lives."
)


@click.group()
def log() -> None:
    """Copy the log of turns and feedback, check it, and restore it from a copy.

    To copy and to check it a server need not be stopped.
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
    and only its owner can read it.

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


@log.command(cls=Command)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--although-forgotten",
    is_flag=True,
    help="Go on where it brings back what was forgotten since; forget it again.",
)
@data_dir_option
@config_option
def restore(
    file: Path, although_forgotten: bool, data_dir: Path | None, config: Path | None
) -> None:
    """Put FILE, a copy, in the place of the log. Stop the server first.

    The log that was there is kept under another name, with all its texts, until you remove it. Turns that were
    deleted after the copy was made are back: delete them again.
    """
    path = load_settings(config, data_dir=data_dir).log_file
    with progress_bars() as progress:
        contents, kept = put_back(file, path, progress, although_forgotten=although_forgotten)
    _show(f"{path} is now what {file} holds", contents, False)
    if kept is not None:
        click.echo(f"The log that was there lies at {kept}.")


def _show(what: str, contents: Contents, as_json: bool) -> None:
    if as_json:
        print_json(asdict(contents))
        return
    rows = ", ".join(f"{number} rows of {table}" for table, number in contents.rows.items())
    click.echo(f"{what}: schema {contents.schema}, {rows}.")
