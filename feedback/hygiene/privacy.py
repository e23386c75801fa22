"""Personal data in the texts of a row: the row is dropped, or the data are replaced by what kind they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from feedback.example import Example, Row
from text.private_data import private_data

# Columns that people's texts stand in; the others say where a row came from.
TEXT_COLUMNS = (
    "prompt",
    "chosen",
    "rejected",
    "completion",
    "question",
    "passages",
    "cited",
    "reference",
    "candidates",
    "input",
    "preferred_output",
    "non_preferred_output",
)


def drop_private(example: Example, found: Counter[str]) -> int:
    """Take out the rows with personal data, and count its kinds; how many rows went."""
    keeps = []
    for row in example.rows:
        kinds = _kinds_in([row.get(name) for name in TEXT_COLUMNS])
        found.update(kinds)
        keeps.append(not kinds)
    example.keep(keeps)
    return keeps.count(False)


def redact_private(example: Example, found: Counter[str]) -> None:
    """Put `[NAME]`, `[PHONE]` … in the place of personal data, in the rows and in what was asked."""

    def redact(text: str) -> str:
        made, kinds = redacted(text)
        found.update(kinds)
        return made

    example.rows = [
        row | {name: _mapped(row[name], redact) for name in TEXT_COLUMNS if name in row}
        for row in example.rows
    ]
    example.asked = [redacted(text)[0] for text in example.asked]


@lru_cache(maxsize=4096)
def redacted(text: str) -> tuple[str, tuple[str, ...]]:
    """A text with its personal data replaced, and their kinds."""
    pieces, kinds, position = [], [], 0
    for datum in private_data(text):
        pieces += [text[position : datum.start], f"[{datum.kind.upper()}]"]
        kinds.append(datum.kind)
        position = datum.end
    return "".join([*pieces, text[position:]]), tuple(kinds)


@lru_cache(maxsize=4096)
def _kinds(text: str) -> frozenset[str]:
    # Instructions and passages come back turn after turn.
    return frozenset(datum.kind for datum in private_data(text))


def _kinds_in(value: Any) -> set[str]:
    found: set[str] = set()

    def look(text: str) -> str:
        found.update(_kinds(text))
        return text

    _mapped(value, look)
    return found


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    """The same with each text changed; of messages and candidates only what people read."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_mapped(inner, change) for inner in value]
    if isinstance(value, dict):
        return _mapped_row(value, change)
    return value


def _mapped_row(value: Row, change: Callable[[str], str]) -> Row:
    spoken = ("content", "text", "messages")
    return {name: _mapped(v, change) if name in spoken else v for name, v in value.items()}
