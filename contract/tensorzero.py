"""TensorZero's feedback body, so that its clients need no change, and what it means here.

Its metrics are declared in a configuration that there is none of here, so a value says by itself what it is:

- `comment`: a comment. `demonstration`: a correction.
- a truth value: a rating, true is good.
- a number: a rating in whole steps, from 1 to 5, or from 0 to 1 in quarters (0, 0.25, 0.5, 0.75, 1). A 1 is
  the best of the one scale and the worst of the other, so it needs the tag `scale`: `1-5` or `0-1`.
"""

from __future__ import annotations

import re
import uuid
from typing import Annotated, Any

from pydantic import Field, model_validator

from contract.errors import RequestRejected
from contract.feedback import Feedback, FeedbackType, Identifier, Tags
from contract.wire import FieldError, OpenAIBody

_UUID = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")

# Tags that TensorZero keeps to itself.
_RESERVED = "tensorzero::"
# Who gave it; the first one that is there.
_RATERS = ("rater", "user")
_SCALE = "scale"

_STEPS: dict[str, dict[float, int]] = {
    "0-1": {0: 1, 0.25: 2, 0.5: 3, 0.75: 4, 1: 5},
    "1-5": {n: n for n in range(1, 6)},
}


class TensorZeroFeedback(OpenAIBody):
    """The body of `POST /feedback`."""

    metric_name: Identifier
    value: Any = None
    inference_id: Identifier | None = None
    episode_id: Any = None
    tags: Tags = Field(default_factory=dict)
    dryrun: bool = False
    internal: Annotated[bool, Field(description="Of no meaning here.")] = False

    @model_validator(mode="after")
    def _is_about_a_completion(self) -> TensorZeroFeedback:
        if self.episode_id is not None:
            raise FieldError(
                "episode_id",
                "there are no episodes here; send inference_id, the id of a completion",
                "unsupported_parameter",
            )
        for name in ("inference_id", "value"):
            if getattr(self, name) is None:
                raise FieldError(name, "it is missing", "missing_required_parameter")
        return self

    @property
    def completion_id(self) -> str:
        """The id of the completion: as it stands in the reply, or its UUID alone."""
        identifier = self.inference_id or ""
        if _UUID.fullmatch(identifier):
            return f"chatcmpl-{uuid.UUID(identifier).hex}"
        return identifier

    def feedback(self) -> Feedback:
        """The same in our words.

        Raises:
            RequestRejected: the value maps to none of them.
        """
        kept = {n: v for n, v in self.tags.items() if not n.startswith(_RESERVED)}
        kind, fields = self._said(kept.pop(_SCALE, None))
        named = next((name for name in _RATERS if kept.get(name)), None)
        rater = kept.pop(named) if named else None
        if rater is not None and len(rater) > 200:
            raise RequestRejected(f"The tag {named!r} is longer than 200 characters.", param="tags")
        return Feedback(id=self.completion_id, type=kind, rater=rater, tags=kept or None, **fields)

    def _said(self, scale: str | None) -> tuple[FeedbackType, dict[str, Any]]:
        if self.metric_name == "comment":
            return "comment", {"comment": self._text(20_000)}
        if self.metric_name == "demonstration":
            return "correction", {"correction": self._text(100_000)}
        if isinstance(self.value, bool):
            return "rating", {"value": self.value, "metric": self.metric_name}
        if isinstance(self.value, int | float):
            return "rating", {"value": self._stars(scale), "metric": self.metric_name}
        raise self._refused(
            "a metric is a truth value or a number; texts are comment or demonstration"
        )

    def _stars(self, scale: str | None) -> int:
        if scale is None and self.value == 1:
            raise self._refused(
                "1 is the best from 0 to 1 and the worst from 1 to 5. Say which with the tag `scale`, "
                "`0-1` or `1-5`"
            )
        scale = scale or ("0-1" if self.value < 1 else "1-5")
        if scale not in _STEPS:
            raise RequestRejected("The tag `scale` is `0-1` or `1-5`.", param="tags")
        stars = _STEPS[scale].get(self.value)
        if stars is None:
            steps = ", ".join(str(step) for step in _STEPS[scale])
            raise self._refused(
                f"{self.value} is no rating from {scale.replace('-', ' to ')}, whose steps are {steps}; "
                "round it, or send a comment"
            )
        return stars

    def _text(self, longest: int) -> str:
        value = self.value
        if isinstance(value, list) and value and all(_is_text(part) for part in value):
            value = "\n".join(part["text"] for part in value)
        if not isinstance(value, str) or not value.strip():
            raise self._refused(f"a {self.metric_name} is a text, and not an empty one")
        if len(value) > longest:
            raise self._refused(f"a {self.metric_name} has at most {longest} characters")
        return value

    def _refused(self, why: str) -> RequestRejected:
        return RequestRejected(
            f"Invalid 'value' of the metric {self.metric_name!r}: {why}.",
            code="invalid_value",
            param="value",
        )


def _is_text(part: Any) -> bool:
    """A block of content that holds text, in TensorZero's form."""
    return (
        isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str)
    )
