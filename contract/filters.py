"""Filters over the attributes of documents, in the form of OpenAI's vector stores.

A comparison `{"type": "eq", "key": "department", "value": "hr"}`, or `{"type": "and" | "or",
"filters": […]}`. Attributes are what the documents' owner gave them and, of themselves, `path`,
`title`, `format` (the suffix) and `modified` (seconds since 1970).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

Attribute = str | float | bool
Attributes = Mapping[str, Attribute]

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


class Comparison(BaseModel):
    """One attribute against a value. A document that lacks the attribute matches `ne` and `nin` only."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin"]
    key: Annotated[str, Field(min_length=1, max_length=64)]
    value: Attribute | tuple[str | float, ...]

    def matches(self, attributes: Attributes) -> bool:
        """Does a document with these attributes match?"""
        negative = self.type in ("ne", "nin")
        if self.key not in attributes:
            return negative
        found = attributes[self.key]
        if self.type in ("in", "nin"):
            among = isinstance(self.value, tuple) and any(_same(found, v) for v in self.value)
            return among is not negative
        if self.type in ("eq", "ne"):
            return _same(found, self.value) is not negative
        return _comparable(found, self.value) and bool(_COMPARE[self.type](found, self.value))


class Compound(BaseModel):
    """All of the filters, or any."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["and", "or"]
    filters: Annotated[tuple[Filter, ...], Field(min_length=1, max_length=64)]

    def matches(self, attributes: Attributes) -> bool:
        """Does a document with these attributes match?"""
        every = all if self.type == "and" else any
        return every(part.matches(attributes) for part in self.filters)


def _kind(data: Any) -> str:
    kind = data.get("type") if isinstance(data, dict) else getattr(data, "type", None)
    return "compound" if kind in ("and", "or") else "comparison"


Filter = Annotated[
    Annotated[Comparison, Tag("comparison")] | Annotated[Compound, Tag("compound")],
    Discriminator(_kind),
]
Compound.model_rebuild()


def _same(found: object, value: object) -> bool:
    """Equal, where True is not 1: JSON keeps them apart."""
    return isinstance(found, bool) is isinstance(value, bool) and found == value


def _comparable(found: object, value: object) -> bool:
    numbers = isinstance(found, int | float) and isinstance(value, int | float)
    return numbers or (isinstance(found, str) and isinstance(value, str))
