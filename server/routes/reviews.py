"""`/v1/reviews`: the turns that need a person, and each of them whole."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Query

from feedback.find import Selection, find
from feedback.review_queue import Queued, Reason, State, count_queued, place_of, queued
from server.reviews import line, record
from server.routes.dependencies import PartsDep, RaterDep
from server.routes.pages import Moment, Name, Order, PageQuery, page
from server.sight import seen

router = APIRouter(tags=["reviews"])


class ReviewsQuery(PageQuery):
    """Which turns are asked for."""

    reason: tuple[Reason, ...] = ()
    state: State = "open"
    collection: Name | None = None
    language: Name | None = None
    policy_version: Name | None = None
    since: Moment | None = None
    until: Moment | None = None
    order: Order = "desc"

    def queued(self) -> Queued:
        """The same as the queue knows it."""
        return Queued(
            self.reason,
            self.state,
            self.collection,
            self.language,
            self.policy_version,
            self.since,
            self.until,
        )


@router.get("/v1/reviews")
def list_reviews(
    parts: PartsDep, caller: RaterDep, query: Annotated[ReviewsQuery, Query()]
) -> dict[str, Any]:
    """The turns that need a person, as far as the caller may see all of their passages, the newest first:
    the judge failed, or was unsure; the answer was refused, or needed a second attempt; somebody disliked
    it. `state` is `open`, `done` (a ruling or a correction stands on it) or `all`; `since` and `until` are
    seconds since 1970; `total` counts all pages."""
    asked, newest_first = query.queued(), query.order == "desc"
    with parts.log.reading() as connection:
        found = queued(
            connection, asked, caller.access, after=query.after, newest_first=newest_first
        )
        places = list(islice(found, query.limit + 1))
        lines = [line(connection, place) for place in places[: query.limit]]
        total = count_queued(connection, asked, caller.access)
    return page(lines, has_more=len(places) > query.limit) | {"total": total}


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
