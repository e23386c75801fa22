"""`/v1/reviews`: the turns that need a person, and each of them whole."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from contract.errors import RequestRejected
from feedback.find import Selection, find
from feedback.review_queue import Queued, Reason, State, count_queued, place_of, queued
from server.reviews import line, record
from server.routes.dependencies import PartsDep, RaterDep
from server.routes.pages import Limit, Order, page
from server.sight import seen

router = APIRouter(tags=["reviews"])

_QUERY = (
    "reason",
    "state",
    "collection",
    "language",
    "policy_version",
    "since",
    "until",
    "limit",
    "after",
    "order",
)

Name = Annotated[str | None, Query(min_length=1, max_length=200)]
Moment = Annotated[float | None, Query(ge=0)]


@router.get("/v1/reviews")
def list_reviews(
    http: Request,
    parts: PartsDep,
    caller: RaterDep,
    reason: Annotated[tuple[Reason, ...], Query()] = (),
    state: State = "open",
    collection: Name = None,
    language: Name = None,
    policy_version: Name = None,
    since: Moment = None,
    until: Moment = None,
    limit: Limit = 20,
    after: str = "",
    order: Order = "desc",
) -> dict[str, Any]:
    """The turns that need a person, as far as the caller may see all of their passages, the newest first:
    the judge failed, or was unsure; the answer was refused, or needed a second attempt; somebody disliked
    it. `state` is `open`, `done` (a ruling or a correction stands on it) or `all`; `since` and `until` are
    seconds since 1970; `total` counts all pages."""
    for name in http.query_params:
        if name not in _QUERY:
            raise RequestRejected(
                f"Unknown query parameter: '{name}'. There are {', '.join(_QUERY)}.",
                code="unknown_parameter",
                param=name,
            )
    asked = Queued(reason, state, collection, language, policy_version, since, until)
    newest_first = order == "desc"
    with parts.log.reading() as connection:
        found = queued(connection, asked, caller.access, after=after, newest_first=newest_first)
        places = list(islice(found, limit + 1))
        lines = [line(connection, place) for place in places[:limit]]
        total = count_queued(connection, asked, caller.access)
    return page(lines, has_more=len(places) > limit) | {"total": total}


@router.get("/v1/reviews/{completion_id}")
def get_review(completion_id: str, parts: PartsDep, caller: RaterDep) -> dict[str, Any]:
    """One turn whole: the prompt as the policy saw it, passages, every candidate with its verdict, and what
    was said of it. Any turn that the caller may see can be read so,
    queued or not."""
    turn = seen(parts.log, completion_id, caller)
    with parts.log.reading() as connection:
        place = place_of(connection, completion_id)
        said = list(find(connection, Selection(completion=completion_id)))
    return record(turn, place, said)
