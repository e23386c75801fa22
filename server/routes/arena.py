"""`/v1/arena`: which version of the policy people prefer."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from feedback.arena import arena
from server.routes.dependencies import PartsDep, RaterDep

router = APIRouter(tags=["feedback"])

Moment = Annotated[float | None, Query(ge=0, allow_inf_nan=False)]


@router.get("/v1/arena")
def read_arena(
    parts: PartsDep,
    caller: RaterDep,
    since: Moment = None,
    until: Moment = None,
    collection: Annotated[str | None, Query(min_length=1, max_length=200)] = None,
) -> dict[str, Any]:
    """All pairs, ties and rankings between answers of different versions, as far as the caller may see the
    turns: the strength of each version with its 95 % interval, and who met whom. `since` and `until` are in
    seconds since 1970."""
    with parts.log.reading() as connection:
        found = arena(
            connection,
            since=since,
            until=until,
            collection=collection,
            access=caller.access,
            imports=caller.role == "admin",
        )
    return found.to_wire()
