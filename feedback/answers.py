"""Answers of a turn under the names that feedback gives them, with what the judge said of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from contract.verdict import ACCEPTABLE
from feedback.turns import LoggedCandidate, LoggedTurn


class Answer(NamedTuple):
    """An answer to a turn's prompt.

    Attributes:
        reward: the judge's; None where it was not judged, or the judge failed.
        refuses: whether it refuses as a whole; None where nobody has judged that.
        policy_version: of the policy that gave it; None where a person wrote it.
    """

    text: str
    reward: float | None = None
    completion_class: str | None = None
    violations: tuple[str, ...] = ()
    refuses: bool | None = None
    served: bool = False
    policy_version: str | None = None

    @property
    def acceptable(self) -> bool:
        """May it be served at all, as far as the judge says?"""
        return self.completion_class in ACCEPTABLE and not self.violations

    def scores(self) -> dict[str, Any]:
        """What the judge made of it, as columns of a row."""
        return {
            "reward": self.reward,
            "class": self.completion_class,
            "violations": ", ".join(self.violations),
        }


def answer_of(candidate: LoggedCandidate, policy_version: str | None) -> Answer:
    """A candidate of a turn that this policy answered, or a person, as an answer."""
    judgement = orjson.loads(candidate.judgement)
    compliance = judgement.get("compliance")
    return Answer(
        candidate.text,
        candidate.reward,
        candidate.completion_class,
        tuple(judgement.get("violations") or ()),
        None if compliance is None else compliance["full_refusal"] >= 0.5,
        bool(candidate.served),
        policy_version,
    )


def answers_of(turn: LoggedTurn) -> list[tuple[str, int, Answer]]:
    """The candidates that consist of text: their ids, the choice they belong to, and the answers."""
    return [
        (candidate.id, candidate.choice, answer_of(candidate, turn.answered_by))
        for candidate in turn.candidates
        if candidate.text.strip() and candidate.tool_calls == "[]"
    ]


def named_answers(turn: LoggedTurn, answers: list[tuple[str, int, Answer]]) -> Mapping[str, Answer]:
    """Everything of a turn that feedback can name: its candidates, and what was served by the turn's id."""
    named = {identifier: answer for identifier, _, answer in answers}
    served = next((answer for _, _, answer in answers if answer.served), None)
    if served is None and (said := turn.replied):
        refuses = turn.decision == "refuse"
        served = Answer(said, refuses=refuses, policy_version=turn.answered_by)
    if served is not None:
        named[turn.id] = served
    return named
