"""What one turn gives to an export: its rows, and what hygiene has to know of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from contract.chat import NOBODY

Row = dict[str, Any]

# What a row teaches about refusing: to do it, not to, or neither.
REFUSE, ANSWER, NEITHER = 1, -1, 0


def is_known(person: str) -> bool:
    """Does a turn's person stand for one?"""
    return bool(person) and person != NOBODY


@dataclass(slots=True)
class Example:
    """One turn.

    Attributes:
        person: who asked; `unknown` where nobody said.
        split_with: what it goes into the same file with.
        asked: what the person wrote in this conversation, its last message being the question; empty where
            nobody needs it.
        opinions: how much people said about it.
        rows: the rows in the columns of a trainer.
        teaches: for each row REFUSE, ANSWER or NEITHER.
        made_by: the versions of policy, judge, rubric, index and settings.
    """

    id: str
    person: str
    split_with: str
    language: str
    asked: list[str]
    opinions: int
    rows: list[Row]
    teaches: list[int]
    made_by: list[str]

    @property
    def is_known(self) -> bool:
        """Has somebody said who asked?"""
        return is_known(self.person)

    @property
    def key(self) -> str:
        """What was asked, as near-duplicates are told by."""
        return "\n".join(self.asked)

    def keep(self, wanted: list[bool]) -> None:
        """Leave only some of the rows."""
        self.rows = [row for row, stays in zip(self.rows, wanted, strict=True) if stays]
        self.teaches = [side for side, stays in zip(self.teaches, wanted, strict=True) if stays]

    def to_line(self) -> bytes:
        """A line of a spool."""
        return orjson.dumps(self) + b"\n"

    @classmethod
    def of_line(cls, line: bytes) -> Example:
        """The same again."""
        return cls(**orjson.loads(line))
