"""`plumbline feedback`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from contract.errors import ConfigurationError
from contract.terminal import (
    Command,
    config_option,
    json_option,
    load_settings,
    print_json,
)
from feedback.log import Log

data_dir_option = click.option(
    "--data-dir", type=click.Path(path_type=Path), help="Where index and log live."
)


@click.group()
def feedback() -> None:
    """Look at what people said about the answers."""


@feedback.command("list", cls=Command)
@click.option("--limit", default=20, show_default=True, help="Newest so many.")
@json_option
@data_dir_option
@config_option
def list_feedback(limit: int, as_json: bool, data_dir: Path | None, config: Path | None) -> None:
    """List feedback, the newest last."""
    rows = list(_log(data_dir, config).feedback())[-limit:]
    for row in rows:
        if as_json:
            print_json(
                {"id": row.id, "created": row.created, **row.body, "completion": row.completion_id}
            )
        else:
            when = datetime.fromtimestamp(row.created, UTC).strftime("%Y-%m-%d %H:%M")
            click.echo(f"{when}  {row.type:10s} {row.completion_id}  {row.rater or ''}")


@feedback.command(cls=Command)
@click.argument("completion_id")
@data_dir_option
@config_option
def show(completion_id: str, data_dir: Path | None, config: Path | None) -> None:
    """Show a turn, all its candidates, and what was said about it."""
    log = _log(data_dir, config)
    record = log.completion(completion_id)
    click.echo(f"question   {record.question}")
    click.echo(f"decision   {record.decision} (policy {record.policy_version})")
    for candidate in record.candidates:
        mark = "served" if candidate.served else "      "
        reward = "judge failed" if candidate.reward is None else f"{candidate.reward:+.2f}"
        click.echo(f"{mark}  attempt {candidate.attempt}  {reward}  {candidate.id}")
        click.echo(f"        {' '.join(candidate.text.split())[:300]}")
    for row in log.feedback(completion_id=completion_id):
        click.echo(f"feedback   {row.type}: {row.body}")


@feedback.command(cls=Command)
@json_option
@data_dir_option
@config_option
def stats(as_json: bool, data_dir: Path | None, config: Path | None) -> None:
    """Count turns by decision and feedback by type."""
    counts = _log(data_dir, config).counts()
    if as_json:
        print_json(counts)
        return
    for group, numbers in counts.items():
        shown = ", ".join(f"{number} {name}" for name, number in numbers.items())
        click.echo(f"{group:12s} {shown or 'none'}")


def _log(data_dir: Path | None, config: Path | None) -> Log:
    settings = load_settings(config, data_dir=data_dir)
    if not settings.log_file.is_file():
        raise ConfigurationError(
            f"There is no log at {settings.log_file}. Start the server first, or give --data-dir."
        )
    return Log(settings.log_file)
