"""The wire types of stored completions: OpenAI's."""

from __future__ import annotations

from typing import Any

from pydantic import model_validator

from contract.chat import Metadata
from contract.wire import Body, FieldError


class MetadataUpdate(Body):
    """What may be changed of a stored completion; null takes all metadata away."""

    metadata: Metadata | None

    @model_validator(mode="before")
    @classmethod
    def _is_no_other_change(cls, data: Any) -> Any:
        for name in data.keys() - {"metadata"} if isinstance(data, dict) else ():
            raise FieldError(name, "only metadata can be changed", "unsupported_parameter")
        return data
