"""The wire types of `/v1/policies`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from contract.evaluation import Evaluation
from contract.wire import Body, FieldError

# The version that the settings name, without any adapter that was promoted.
BASE = "base"

Reason = Annotated[str, Field(max_length=2_000)]


class Promote(Body):
    """Gives a version of the policy a share of the traffic.

    Attributes:
        name: a version in DATA_DIR/policies, its name without the digest where that is clear, or `base`.
        share: percent of the users; 100 puts it in service, 0 loads it for requests that name it.
        evaluation: what its gates are to read; without one, that which came with it before.
        force: pass over gates that fail; needs a reason.
        by: who does it, where the server knows no keys.
    """

    name: Annotated[str, Field(min_length=1, max_length=200)]
    share: Annotated[float, Field(ge=0, le=100)]
    evaluation: Evaluation | None = None
    force: bool = False
    reason: Reason = ""
    by: Annotated[str, Field(max_length=200)] = ""

    @model_validator(mode="after")
    def _force_has_a_reason(self) -> Promote:
        if self.force and not self.reason.strip():
            raise FieldError("reason", "force needs one; it is kept in the history")
        return self


class Rollback(Body):
    """Ends the rollout of a candidate, or puts back the version that was in service before."""

    reason: Reason = ""
    by: Annotated[str, Field(max_length=200)] = ""
