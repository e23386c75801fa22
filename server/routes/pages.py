"""Pages of a list, as OpenAI has them: `limit` things after the one with the id `after`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query

from contract.errors import NotFound

Order = Literal["asc", "desc"]
Limit = Annotated[int, Query(ge=1, le=100)]


def page(data: list[dict[str, Any]], *, has_more: bool) -> dict[str, Any]:
    """A page on the wire."""
    return {
        "object": "list",
        "data": data,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "has_more": has_more,
    }


def part_of(
    data: list[dict[str, Any]], after: str, limit: int, order: Order, what: str
) -> dict[str, Any]:
    """The page of a short list that is at hand in the order `asc`; `what` says what is in it.

    Raises:
        NotFound: nothing in it has the id `after`.
    """
    data = data[::-1] if order == "desc" else data
    if after:
        place = next((i for i, one in enumerate(data) if one["id"] == after), None)
        if place is None:
            raise NotFound(f"There is no {what} with the id {after!r}.", param="after")
        data = data[place + 1 :]
    return page(data[:limit], has_more=len(data) > limit)
