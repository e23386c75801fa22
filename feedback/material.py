"""What the rows of one turn are made from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from contract.feedback import score_of
from feedback.answers import Answer
from feedback.example import Row
from feedback.options import Options, Source
from feedback.pairs import Pair
from feedback.turns import LoggedTurn

# A row, and what it teaches about refusing.
Taught = tuple[Row, int]


class Material(NamedTuple):
    """What a row is made from: a turn, its answers by name, and what was said about them."""

    turn: LoggedTurn
    named: Mapping[str, Answer]
    pairs: list[Pair]
    options: Options

    def rated(self) -> Iterator[tuple[Answer, float]]:
        """Answers that people rated, from 0 (bad) to 1 (good)."""
        for row in self.turn.feedback:
            answer = self.named.get(row.body.get("candidate_id") or self.turn.id)
            value = row.body.get("value")
            if row.type == "rating" and answer is not None and value is not None:
                yield answer, score_of(value)

    def tied(self) -> Iterator[tuple[Answer, bool]]:
        """Answers that people called equally good (true) or equally bad."""
        for row in self.turn.feedback:
            answers = [self.named.get(i) for i in row.body.get("tied_ids") or ()]
            if row.type == "tie" and None not in answers:
                yield from ((a, row.body["value"] == "good") for a in answers if a is not None)

    def corrections(self) -> list[str]:
        """Better answers that people wrote."""
        return [row.body["correction"] for row in self.turn.feedback if row.type == "correction"]

    def origin(self, source: Source) -> Row:
        """The columns that say where a row came from."""
        return {
            "source": source,
            "group": self.turn.id,
            "language": self.turn.language,
            "policy_version": self.turn.policy_version,
        }

    @property
    def prompt(self) -> Any:
        """The logged prompt, spliced in as it is stored."""
        return orjson.Fragment(self.turn.prompt)
