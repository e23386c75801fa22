"""`plumbline keys`."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import cast

import click
import yaml

from contract.access import check_labels
from contract.errors import ConfigurationError
from contract.terminal import Command, config_option, json_option, load_settings, print_json
from server.callers import ROLES, KeyFile, KeyRecord, Role, parse_keys, read_keys

file_option = click.option(
    "--file", type=click.Path(path_type=Path), help="Keys file; the default is server.keys_file."
)


@click.group()
def keys() -> None:
    """Make and list the keys of callers.

    \b
    A key has a name, labels and a role:
      reader   asks, reads documents, uses the judge
      rater    gives feedback as well
      admin    uploads and deletes documents as well
    A caller sees documents without labels, and those that share a label with its key.
    """


@keys.command(cls=Command)
@click.argument("name")
@click.option("--label", "labels", multiple=True, help="Label of the caller; may be repeated.")
@click.option("--role", type=click.Choice(ROLES), default="reader", show_default=True)
@file_option
@config_option
def new(
    name: str, labels: tuple[str, ...], role: str, file: Path | None, config: Path | None
) -> None:
    """Make a key for NAME and show it, once; the file keeps only its SHA-256.

    A server that is running takes the key up by itself. To withdraw a key, delete its entry.

    \b
    Example:
      plumbline keys new ann --label hr --role rater --file keys.yaml
    """
    path = _path(file, config)
    key = f"pl-{secrets.token_urlsafe(32)}"
    record = KeyRecord(
        name=_name(name),
        sha256=hashlib.sha256(key.encode()).hexdigest(),
        labels=check_labels(labels),
        role=cast(Role, role),
    )
    with _locked(path):
        _append(path, record)
    click.echo(key)
    click.echo(f"This is the key of {record.name} ({role}); it is not shown again.", err=True)


@keys.command("list", cls=Command)
@file_option
@json_option
@config_option
def list_keys(file: Path | None, as_json: bool, config: Path | None) -> None:
    """List names, roles and labels."""
    for key in read_keys(_path(file, config)).keys:
        if as_json:
            print_json({"name": key.name, "role": key.role, "labels": list(key.labels)})
        else:
            click.echo(f"{key.name:20s} {key.role:8s} {', '.join(key.labels) or 'no labels'}")


def _path(file: Path | None, config: Path | None) -> Path:
    path = file or load_settings(config).server.keys_file
    if path is None:
        raise ConfigurationError("Which keys file? Give --file, or set server.keys_file.")
    return path


def _name(name: str) -> str:
    if not 1 <= len(name.strip()) <= 200:
        raise ConfigurationError("The name of a key has 1 to 200 characters.")
    return name.strip()


def _append(path: Path, record: KeyRecord) -> None:
    before = path.read_text(encoding="utf-8") if path.exists() else "keys:\n"
    known = parse_keys(before, path)
    if any(key.name == record.name for key in known.keys):
        raise ConfigurationError(
            f"{path} has a key named {record.name!r} already. Delete its entry to replace it."
        )
    wanted = KeyFile(keys=(*known.keys, record))
    _replace(path, _appended(before, record, wanted, path))


def _appended(before: str, record: KeyRecord, wanted: KeyFile, path: Path) -> str:
    """The text with one entry more; people's comments stay where the file is a plain list."""
    entry = yaml.safe_dump([record.model_dump(mode="json")], allow_unicode=True, sort_keys=False)
    text = before if before.endswith("\n") else f"{before}\n"
    text += entry
    with suppress(ConfigurationError):
        if parse_keys(text, path) == wanted:
            return text
    return yaml.safe_dump(wanted.model_dump(mode="json"), allow_unicode=True, sort_keys=False)


def _replace(path: Path, text: str) -> None:
    """Put the file in place whole, for its owner only."""
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).chmod(0o600)
        if path.exists():
            # The server's own user must still be able to read it when root adds a key.
            with suppress(PermissionError):
                os.chown(draft, path.stat().st_uid, path.stat().st_gid)
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One `keys new` at a time for the files of a folder."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)
    except OSError as error:
        raise ConfigurationError(f"{path} can't be written: {error.strerror}.") from error
