"""Changes to a keys file: one at a time, whole or not at all, with people's comments kept."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import yaml

from contract.errors import ConfigurationError
from server.callers import KeyFile, KeyRecord, parse_keys


def add_key(path: Path, record: KeyRecord) -> None:
    """Append a key to the file, which need not exist yet.

    Raises:
        ConfigurationError: it has a key of that name, is broken, or can't be written.
    """
    with _locked(path):
        before = path.read_text(encoding="utf-8") if path.exists() else "keys:\n"
        known = parse_keys(before, path)
        if any(key.name == record.name for key in known.keys):
            raise ConfigurationError(
                f"{path} has a key named {record.name!r} already. Run `plumbline keys revoke` first "
                "to replace it."
            )
        text = before if before.endswith("\n") else f"{before}\n"
        _put(path, text + _dumped([_entry(record)]), KeyFile(keys=(*known.keys, record)))


def remove_key(path: Path, name: str) -> None:
    """Remove the key of that name.

    Raises:
        ConfigurationError: there is none, or the file is missing, broken or can't be written.
    """
    with _locked(path):
        if not path.exists():
            raise ConfigurationError(f"There is no keys file {path}.")
        before = path.read_text(encoding="utf-8")
        known = parse_keys(before, path)
        kept = tuple(key for key in known.keys if key.name != name)
        if len(kept) == len(known.keys):
            names = ", ".join(key.name for key in known.keys) or "no keys at all"
            raise ConfigurationError(f"{path} has no key named {name!r}; it has {names}.")
        number = [key.name for key in known.keys].index(name)
        _put(path, _without(before, number), KeyFile(keys=kept))


def _without(text: str, number: int) -> str:
    """The text without the lines of one entry, as far as the file is a plain list."""
    root = yaml.compose(text, yaml.SafeLoader)
    assert isinstance(root, yaml.MappingNode), "a file with a key in it"
    listed = next(value for name, value in root.value if name.value == "keys")
    entry = listed.value[number]
    lines = text.splitlines(keepends=True)
    return "".join(lines[: entry.start_mark.line] + lines[_last_line(entry) + 1 :])


def _last_line(node: yaml.Node) -> int:
    """Where the text of a node ends; a list's own end is where the next thing begins."""
    if isinstance(node, yaml.ScalarNode):
        return node.end_mark.line
    inner = node.value if isinstance(node, yaml.SequenceNode) else sum(node.value, ())
    return max((_last_line(part) for part in inner), default=node.start_mark.line)


def _put(path: Path, text: str, wanted: KeyFile) -> None:
    """Write the text where it says what is wanted, else the plain list without comments."""
    with suppress(ConfigurationError):
        if parse_keys(text, path) == wanted:
            _replace(path, text)
            return
    _replace(path, _dumped({"keys": [_entry(key) for key in wanted.keys]}))


def _entry(record: KeyRecord) -> dict[str, object]:
    return record.model_dump(mode="json", exclude_none=True)


def _dumped(value: object) -> str:
    text: str = yaml.safe_dump(value, allow_unicode=True, sort_keys=False)
    return text


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
            # The server's own user must still be able to read it when root changes it.
            with suppress(PermissionError):
                os.chown(draft, path.stat().st_uid, path.stat().st_gid)
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One change at a time for the files of a folder."""
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
