"""`plumbline keys`."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import asdict
from pathlib import Path
from typing import cast

import click

from contract.access import check_labels
from contract.errors import ConfigurationError
from contract.terminal import Command, config_option, json_option, load_settings, print_json
from server.callers import ROLES, KeyRecord, Role, read_keys
from server.keys_file import add_key, remove_key
from server.limits import Limits

file_option = click.option(
    "--file", type=click.Path(path_type=Path), help="Keys file; the default is server.keys_file."
)


class _Keys(click.Group):
    """The group; `new` is the older name of `create`."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, "create" if cmd_name == "new" else cmd_name)


@click.group(cls=_Keys)
def keys() -> None:
    """Make, withdraw and list the keys of callers.

    \b
    A key has a name, labels, a role, and limits if you like:
      reader   asks, reads documents, uses the judge
      rater    gives feedback as well
      admin    uploads and deletes documents as well, and reads /metrics
    A caller sees documents without labels, and those that share a label with its key.
    A server that is running follows every change of the file by itself.
    """


@keys.command(cls=Command)
@click.argument("name")
@click.option("--label", "labels", multiple=True, help="Label of the caller; may be repeated.")
@click.option("--role", type=click.Choice(ROLES), default="reader", show_default=True)
@click.option("--requests-per-minute", type=click.IntRange(1), help="[default: any number]")
@click.option("--tokens-per-minute", type=click.IntRange(1), help="[default: any number]")
@click.option("--tokens-per-day", type=click.IntRange(1), help="[default: any number]")
@file_option
@config_option
def create(
    name: str,
    labels: tuple[str, ...],
    role: str,
    requests_per_minute: int | None,
    tokens_per_minute: int | None,
    tokens_per_day: int | None,
    file: Path | None,
    config: Path | None,
) -> None:
    """Make a key for NAME and show it, once; the file keeps only its SHA-256.

    \b
    Examples:
      plumbline keys create ann --label hr --role rater --file keys.yaml
      plumbline keys create bot --requests-per-minute 60 --tokens-per-day 1000000
    """
    key = f"pl-{secrets.token_urlsafe(32)}"
    record = KeyRecord(
        name=_name(name),
        sha256=hashlib.sha256(key.encode()).hexdigest(),
        labels=check_labels(labels),
        role=cast(Role, role),
        requests_per_minute=requests_per_minute,
        tokens_per_minute=tokens_per_minute,
        tokens_per_day=tokens_per_day,
    )
    add_key(_path(file, config), record)
    click.echo(key)
    click.echo(f"This is the key of {record.name} ({role}); it is not shown again.", err=True)


@keys.command(cls=Command)
@click.argument("name")
@file_option
@config_option
def revoke(name: str, file: Path | None, config: Path | None) -> None:
    """Withdraw the key of NAME. What was logged under the name stays."""
    remove_key(_path(file, config), name)
    click.echo(f"The key of {name} is withdrawn.", err=True)


@keys.command("list", cls=Command)
@file_option
@json_option
@config_option
def list_keys(file: Path | None, as_json: bool, config: Path | None) -> None:
    """List names, roles, labels and limits."""
    for key in read_keys(_path(file, config)).keys:
        if as_json:
            line = {"name": key.name, "role": key.role, "labels": list(key.labels)}
            print_json(line | {"limits": asdict(key.limits)})
        else:
            labels = ", ".join(key.labels) or "no labels"
            click.echo(f"{key.name:20s} {key.role:8s} {labels}{_limits(key.limits)}")


def _limits(limits: Limits) -> str:
    set_ones = ((name, value) for name, value in asdict(limits).items() if value is not None)
    shown = ", ".join(f"{value} {name.replace('_', ' ')}" for name, value in set_ones)
    return f"  ({shown})" if shown else ""


def _path(file: Path | None, config: Path | None) -> Path:
    path = file or load_settings(config).server.keys_file
    if path is None:
        raise ConfigurationError("Which keys file? Give --file, or set server.keys_file.")
    return path


def _name(name: str) -> str:
    if not 1 <= len(name.strip()) <= 200:
        raise ConfigurationError("The name of a key has 1 to 200 characters.")
    return name.strip()
