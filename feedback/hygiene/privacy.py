"""Personal data in the texts of a row: the row is dropped, or the data are replaced by what kind they are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from contract.passage import CLOSE, OPEN
from feedback.example import Example, Row
from text.private_data import PrivateDatum, private_data

# Columns that people's texts stand in; the others say where a row came from.
_ASKED = ("prompt", "question", "previous", "passages", "cited", "input", "messages")
_ANSWERED = (
    "chosen",
    "rejected",
    "completion",
    "reference",
    "candidates",
    "preferred_output",
    "non_preferred_output",
    "answer",
    "answers",
)
_WHERE = (
    ("personal data in the prompt or its passages", _ASKED),
    ("personal data in an answer", _ANSWERED),
)
# Where passages begin and end in a prompt, their numbers included.
_MARKS = re.compile(rf"({OPEN}\n\[\d{{1,3}}\] |{CLOSE}\n)")
# Instructions, passages and what was said before come back turn after turn.
_KEPT = 16_384


class Privacy:
    """Finds personal data in rows.

    Args:
        public: personal data that hold one of these texts, in any case, are nobody's secret.
    """

    def __init__(self, public: Sequence[str] = ()) -> None:
        self._public = tuple(text.casefold() for text in public)
        self._piece = lru_cache(_KEPT)(self._read)

    def drop(self, example: Example, found: Counter[str]) -> Counter[str]:
        """Take out the rows with personal data, and count its kinds; how many rows went, and for what."""
        reasons: Counter[str] = Counter()
        keeps = []
        for row in example.rows:
            where = None
            for reason, columns in _WHERE:
                kinds = self._kinds_of([row.get(name) for name in columns])
                found.update(kinds)
                where = where or (reason if kinds else None)
            keeps.append(where is None)
            if where is not None:
                reasons[where] += 1
        example.keep(keeps)
        return reasons

    def redact(self, example: Example, found: Counter[str]) -> None:
        """Put `[NAME]`, `[PHONE]` … in the place of personal data, in the rows and in what was asked."""

        def redact(text: str) -> str:
            made, kinds = self._redacted(text)
            found.update(kinds)
            return made

        names = (*_ASKED, *_ANSWERED)
        example.rows = [
            row | {name: _mapped(row[name], redact) for name in names if name in row}
            for row in example.rows
        ]
        example.asked = [self._redacted(text)[0] for text in example.asked]

    def _redacted(self, text: str) -> tuple[str, tuple[str, ...]]:
        """A text with its personal data replaced, and their kinds. A passage is read by itself: no name or
        number begins in one and ends in the next."""
        if OPEN not in text:
            return self._piece(text)
        read = [self._piece(piece) for piece in _MARKS.split(text)]
        kinds = tuple(kind for _, own in read for kind in own)
        return ("".join(piece for piece, _ in read), kinds) if kinds else (text, ())

    def _read(self, text: str) -> tuple[str, tuple[str, ...]]:
        pieces, kinds, position = [], [], 0
        for datum in self._secret(text):
            pieces += [text[position : datum.start], f"[{datum.kind.upper()}]"]
            kinds.append(datum.kind)
            position = datum.end
        return ("".join([*pieces, text[position:]]), tuple(kinds)) if kinds else (text, ())

    def _kinds_of(self, value: Any) -> set[str]:
        found: set[str] = set()

        def look(text: str) -> str:
            found.update(self._redacted(text)[1])
            return text

        _mapped(value, look)
        return found

    def _secret(self, text: str) -> list[PrivateDatum]:
        data = private_data(text)
        if not self._public:
            return data
        said = [text[datum.start : datum.end].casefold() for datum in data]
        return [d for d, own in zip(data, said) if not any(p in own for p in self._public)]


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
