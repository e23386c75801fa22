"""Verified answers on the wire: a person's answer that is served to whoever asks the same again."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from contract.feedback import LONGEST_CORRECTION, Identifier
from contract.wire import Body, FieldError

State = Literal["in_force", "expired", "withdrawn"]

LONGEST_QUESTION = 4_000

# What stands before the id of a verified answer in the `policy_version` of the turns that it answered.
VERSION = "verified:"


class MakeVerified(Body):
    """Makes the answer of a turn serve from now on.

    Attributes:
        completion_id: the turn whose passages the answer rests on.
        feedback_id: a correction on it; without one and without `answer`, what the turn itself answered.
        answer: other words, with marks `[n]` for the turn's passages.
        question: one that stands by itself, where the turn's does not.
        collection: the turn's; naming another one is an error, since its passages are not there.
    """

    completion_id: Identifier
    feedback_id: Identifier | None = None
    answer: Annotated[str, Field(min_length=1, max_length=LONGEST_CORRECTION)] | None = None
    question: Annotated[str, Field(min_length=1, max_length=LONGEST_QUESTION)] | None = None
    collection: Identifier | None = None

    @model_validator(mode="after")
    def _says_something(self) -> MakeVerified:
        for name in ("answer", "question"):
            value = getattr(self, name)
            if value is not None and not value.strip():
                raise FieldError(name, "it is empty")
        return self


def is_verified(policy_version: str) -> bool:
    """Did a verified answer answer here, and no policy?"""
    return policy_version.startswith(VERSION)
