"""The rows of an export: `train.jsonl`, and `validation.jsonl` where it exists."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from contract.errors import ConfigurationError
from contract.weights import file_digest

Row = dict[str, Any]

# Where nothing was exported for validation, this share of the groups is held out, if there are enough.
_HELD_OUT = 0.1
_FEWEST_GROUPS = 20


@dataclass(frozen=True)
class Data:
    """Rows to train on, and rows that no step sees.

    Attributes:
        hashes: SHA-256 of each file, by its path.
        split_here: the held-out rows were chosen here, since the export has none.
    """

    train: list[Row]
    validation: list[Row]
    hashes: dict[str, str]
    split_here: bool = False

    @property
    def counts(self) -> dict[str, int]:
        """How many rows there are of each."""
        return {"train": len(self.train), "validation": len(self.validation)}


def read_data(path: Path, columns: Sequence[str], seed: int, *, hold_out: bool = True) -> Data:
    """The rows of an exported folder, or of one `.jsonl`.

    Raises:
        ConfigurationError: there are none, or a row lacks a column.
    """
    train = path / "train.jsonl" if path.is_dir() else path
    if not train.is_file():
        raise ConfigurationError(
            f"{path} holds no train.jsonl. `plumbline export KIND --out {path}` writes one."
        )
    validation = path / "validation.jsonl" if path.is_dir() else None
    files = [train, *([validation] if validation and validation.is_file() else [])]
    hashes = {str(file): file_digest(file) for file in files}
    found = [read_rows(file, columns) for file in files]
    if len(found) == 2:
        return Data(found[0], found[1], hashes)
    kept, held = _hold_out(found[0], seed) if hold_out else (found[0], [])
    return Data(kept, held, hashes, split_here=bool(held))


def read_rows(path: Path, columns: Sequence[str]) -> list[Row]:
    """The rows of a file.

    Raises:
        ConfigurationError: it can't be read, is empty, or a row lacks a column.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read ({error.strerror}).") from error
    rows = [_row(line, columns, f"{path}:{n}") for n, line in enumerate(lines, 1) if line.strip()]
    if not rows:
        raise ConfigurationError(f"{path} is empty; there is nothing to train on.")
    return rows


def _row(line: bytes, columns: Sequence[str], place: str) -> Row:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise ConfigurationError(f"{place} is no JSON: {error}") from error
    missing = [c for c in columns if not isinstance(row, dict) or row.get(c) is None]
    if missing:
        raise ConfigurationError(
            f"{place} has no {missing[0]}. These are the columns that `plumbline export` writes for this "
            f"kind: {', '.join(columns)}."
        )
    found: Row = row
    return found


def _hold_out(rows: list[Row], seed: int) -> tuple[list[Row], list[Row]]:
    groups = list(dict.fromkeys(group_of(row, n) for n, row in enumerate(rows)))
    if len(groups) < _FEWEST_GROUPS:
        return rows, []
    random.Random(seed).shuffle(groups)
    held = set(groups[: max(1, round(_HELD_OUT * len(groups)))])
    train = [r for n, r in enumerate(rows) if group_of(r, n) not in held]
    return train, [r for n, r in enumerate(rows) if group_of(r, n) in held]


def group_of(row: Mapping[str, Any], number: int) -> str:
    """What a row was made from: rows of one turn stay together."""
    return str(row.get("group") or f"row {number}")


def as_messages(text: Any, role: str) -> list[dict[str, str]]:
    """Messages, or one message of this text."""
    return [{"role": role, "content": text}] if isinstance(text, str) else list(text)


def said(text: Any) -> str:
    """What the last message says; a plain string is the whole text."""
    return text if isinstance(text, str) else str(text[-1]["content"])
