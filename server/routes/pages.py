"""What lists are asked with, and their pages as OpenAI has them: `limit` things after the one with the id `after`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from contract.errors import NotFound
from contract.wire import Wire

Order = Literal["asc", "desc"]
Limit = Annotated[int, Field(ge=1, le=100)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
# Seconds since 1970.
Moment = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class PageQuery(Wire):
    """The query of a list. A name in it that nobody knows would be a filter that is not applied, so it is
    refused."""

    after: str = ""
    limit: Limit = 20
    order: Order = "asc"


def page(data: list[dict[str, Any]], *, has_more: bool) -> dict[str, Any]:
    """A page on the wire."""
    return {
        "object": "list",
        "data": data,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "has_more": has_more,
    }


def part_of(data: list[dict[str, Any]], query: PageQuery, what: str) -> dict[str, Any]:
    """The page of a short list that is at hand in the order `asc`; `what` says what is in it.

    Raises:
        NotFound: nothing in it has the id `after`.
    """
    data = data[::-1] if query.order == "desc" else data
    if query.after:
        place = next((i for i, one in enumerate(data) if one["id"] == query.after), None)
        if place is None:
            raise NotFound(f"There is no {what} with the id {query.after!r}.", param="after")
        data = data[place + 1 :]
    return page(data[: query.limit], has_more=len(data) > query.limit)
