"""What all wire types share: an unknown field is an error, and an error can name its field."""

from __future__ import annotations

from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, model_validator

# Deeper than this no request of sense is nested, and the log could not hold it.
_MOST_LEVELS = 64


class FieldError(ValueError):
    """A field that does not fit.

    Attributes:
        param: the place of the field, as seen from the type that raises this: `tools[0].function`.
        code: OpenAI's word for it, where there is one.
    """

    def __init__(self, param: str, message: str, code: str = "invalid_value") -> None:
        super().__init__(message)
        self.param = param
        self.code = code


class Wire(BaseModel):
    """A wire type: a field that it does not know is an error, never silently dropped."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Body(Wire):
    """A whole request body: what no file could hold is turned away at the door."""

    @model_validator(mode="before")
    @classmethod
    def _can_be_stored(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        try:
            orjson.dumps(data)
        except orjson.JSONEncodeError as error:
            if _is_deep(data):
                reason = f"the body is nested more than {_MOST_LEVELS} levels deep"
            else:
                reason = f"the body can't be stored as JSON: {error}"
            raise ValueError(reason) from error
        return data


class OpenAIBody(Body):
    """A body that OpenAI's clients send; they may send null for what is not set."""

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {name: value for name, value in data.items() if value is not None}


def _is_deep(data: Any) -> bool:
    level = [data]
    for _ in range(_MOST_LEVELS):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return bool(level)
