"""The wire types of `/v1/feedback`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictBool, model_validator

from contract.wire import Body

Stars = Annotated[int, Field(strict=True, ge=1, le=5)]
Identifier = Annotated[str, Field(min_length=1, max_length=200)]


class Feedback(Body):
    """What a person thinks of a completion. `id` is the completion's `id`.

    A rating's `value` is true or false, 1 to 5, or good, ok or bad. `preferred_id` and `rejected_id`
    name candidates, or completions that answer the same prompt.
    """

    id: Identifier
    type: Literal["rating", "pair", "ranking", "correction"]
    candidate_id: Identifier | None = None
    value: StrictBool | Stars | Literal["good", "ok", "bad"] | None = None
    preferred_id: Identifier | None = None
    rejected_id: Identifier | None = None
    ranking: Annotated[list[Identifier], Field(min_length=2, max_length=16)] | None = None
    correction: Annotated[str, Field(min_length=1, max_length=100_000)] | None = None
    reason_codes: Annotated[list[Identifier], Field(max_length=32)] | None = None
    comment: Annotated[str, Field(max_length=20_000)] | None = None
    rater: Identifier | None = None
    idempotency_key: Identifier | None = None
    supersedes: Identifier | None = None

    @model_validator(mode="after")
    def _carries_what_its_type_needs(self) -> Feedback:
        needs: dict[str, tuple[str, ...]] = {
            "rating": ("value",),
            "pair": ("preferred_id", "rejected_id"),
            "ranking": ("ranking",),
            "correction": ("correction",),
        }
        missing = [name for name in needs[self.type] if getattr(self, name) is None]
        if missing:
            raise ValueError(f"feedback of type {self.type} needs {' and '.join(missing)}")
        if self.correction is not None and not self.correction.strip():
            raise ValueError("the correction is empty")
        if self.type == "pair" and self.preferred_id == self.rejected_id:
            raise ValueError("preferred_id and rejected_id must differ")
        if self.ranking and len(set(self.ranking)) != len(self.ranking):
            raise ValueError("ranking must not name a candidate twice")
        return self
