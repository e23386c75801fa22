"""`/v1/arena`: which version of the policy people prefer."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from contract.wire import Wire
from feedback.arena import arena
from server.routes.dependencies import PartsDep, RaterDep
from server.routes.pages import Moment, Name

router = APIRouter(tags=["feedback"])


class ArenaQuery(Wire):
    """Whose meetings are counted."""

    since: Moment | None = None
    until: Moment | None = None
    collection: Name | None = None


@router.get("/v1/arena")
def read_arena(
    parts: PartsDep, caller: RaterDep, query: Annotated[ArenaQuery, Query()]
) -> dict[str, Any]:
    """All pairs, ties and rankings between answers of different versions, as far as the caller may see the
    turns: the strength of each version with its 95 % interval, and who met whom. `since` and `until` are in
    seconds since 1970."""
    with parts.log.reading() as connection:
        found = arena(
            connection,
            since=query.since,
            until=query.until,
            collection=query.collection,
            access=caller.access,
            imports=caller.role == "admin",
        )
    return found.to_wire()
