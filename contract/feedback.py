"""The wire types of `/v1/feedback`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, model_validator

from contract.verdict import CompletionClass
from contract.wire import Body, FieldError

Stars = Annotated[int, Field(strict=True, ge=1, le=5)]
Identifier = Annotated[str, Field(min_length=1, max_length=200)]
Rating = StrictBool | Stars | Literal["good", "ok", "bad"]
FeedbackType = Literal["rating", "pair", "tie", "ranking", "correction", "comment", "ruling"]

# One place of a ranking: a candidate, or several that are equally good.
Place = Identifier | Annotated[list[Identifier], Field(min_length=1)]
Tags = Annotated[
    dict[Identifier, Annotated[str, Field(max_length=2_000)]],
    Field(max_length=64),
]

# What a person says of each proposition of an answer, by its name.
Propositions = Annotated[dict[Identifier, StrictBool], Field(max_length=200)]

MOST_RANKED = 16
LONGEST_CORRECTION = 100_000

# Fields that belong to some types only; the first group must be there, the second may be.
_NEEDS: dict[str, tuple[str, ...]] = {
    "rating": ("value",),
    "pair": ("preferred_id", "rejected_id"),
    "tie": ("tied_ids", "value"),
    "ranking": ("ranking",),
    "correction": ("correction",),
    "comment": (),
    "ruling": (),
}
_MAY: dict[str, tuple[str, ...]] = {
    "candidate_id": ("rating", "correction", "comment", "ruling"),
    "metric": ("rating",),
    "propositions": ("ruling",),
    "completion_class": ("ruling",),
}


class Feedback(Body):
    """What a person thinks of a completion. `id` is the completion's `id`.

    A rating's `value` is true or false, 1 to 5, or good, ok or bad. `preferred_id`, `rejected_id`,
    `tied_ids` and `ranking` name candidates, or completions that answer the same conversation; a ranking
    holds the best first, and a list in it holds those that are equally good. The `value` of a tie says
    whether both are good or both bad. `metric` is the name of what was rated, where that is not simply
    the answer. A ruling says of propositions whether they hold, and what class the answer has; one that says
    neither agrees with the judge in everything.
    """

    model_config = Body.model_config | {"serialize_by_alias": True}

    id: Identifier
    type: FeedbackType
    candidate_id: Identifier | None = None
    value: Rating | None = None
    metric: Identifier | None = None
    preferred_id: Identifier | None = None
    rejected_id: Identifier | None = None
    tied_ids: Annotated[list[Identifier], Field(min_length=2, max_length=2)] | None = None
    ranking: Annotated[list[Place], Field(min_length=1, max_length=MOST_RANKED)] | None = None
    correction: Annotated[str, Field(min_length=1, max_length=LONGEST_CORRECTION)] | None = None
    propositions: Propositions | None = None
    completion_class: CompletionClass | None = Field(None, alias="class")
    reason_codes: Annotated[list[Identifier], Field(max_length=32)] | None = None
    comment: Annotated[str, Field(max_length=20_000)] | None = None
    rater: Identifier | None = None
    tags: Tags | None = None
    idempotency_key: Identifier | None = None
    supersedes: Identifier | None = None

    @model_validator(mode="after")
    def _carries_what_its_type_needs(self) -> Feedback:
        for name in _NEEDS[self.type]:
            if getattr(self, name) is None:
                raise FieldError(
                    name,
                    f"feedback of the type {self.type} needs it",
                    "missing_required_parameter",
                )
        if self.type == "comment" and not ((self.comment or "").strip() or self.reason_codes):
            raise FieldError(
                "comment",
                "feedback of the type comment needs it, or reason_codes",
                "missing_required_parameter",
            )
        return self

    @model_validator(mode="after")
    def _carries_nothing_else(self) -> Feedback:
        owners = dict(_MAY)
        for kind, names in _NEEDS.items():
            owners |= {name: (*owners.get(name, ()), kind) for name in names}
        for name, kinds in owners.items():
            if self.type not in kinds and getattr(self, name) is not None:
                raise FieldError(
                    type(self).model_fields[name].alias or name,
                    f"it belongs to feedback of the type {' or '.join(kinds)}, and this is a "
                    f"{self.type}; send it by itself",
                )
        return self

    @model_validator(mode="after")
    def _makes_sense(self) -> Feedback:
        if self.correction is not None and not self.correction.strip():
            raise FieldError("correction", "it is empty")
        if self.propositions is not None and not self.propositions:
            raise FieldError(
                "propositions", "it is empty; leave it out to agree with the judge in everything"
            )
        if self.preferred_id is not None and self.preferred_id == self.rejected_id:
            raise FieldError("rejected_id", "preferred_id and rejected_id must differ")
        if self.tied_ids is not None and len(set(self.tied_ids)) != len(self.tied_ids):
            raise FieldError("tied_ids", "it must name two answers, not one twice")
        if self.type == "tie" and self.value not in ("good", "bad"):
            raise FieldError("value", "that of a tie is good or bad: what both answers are")
        if self.ranking is not None:
            ranked = [identifier for place in places_of(self.ranking) for identifier in place]
            if not 2 <= len(ranked) <= MOST_RANKED:
                raise FieldError("ranking", f"it ranks 2 to {MOST_RANKED} candidates")
            if len(self.ranking) < 2:
                raise FieldError(
                    "ranking", "all are equally good, which prefers none; name two places"
                )
            if len(set(ranked)) != len(ranked):
                raise FieldError("ranking", "it must not name a candidate twice")
        return self


def places_of(ranking: Sequence[Any]) -> list[list[str]]:
    """A ranking as it stands on the wire, place by place: the best first, equally good ones together."""
    return [[place] if isinstance(place, str) else list(place) for place in ranking]


def score_of(value: bool | int | str) -> float:
    """A rating between 0 (bad) and 1 (good)."""
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, int):
        return (value - 1) / 4
    return {"good": 1.0, "ok": 0.5, "bad": 0.0}[value]
