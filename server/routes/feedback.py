"""`/v1/feedback`: what people think of a completion; and TensorZero's `/feedback`."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Query

from contract.errors import NotFound
from contract.feedback import Feedback
from contract.tensorzero import TensorZeroFeedback
from feedback.find import Selection, find, to_wire
from feedback.rate import store
from server.callers import Caller
from server.parts import Parts
from server.routes.dependencies import CallerDep, PartsDep, RaterDep
from server.routes.pages import Name, PageQuery, part_of
from server.sight import check_not_hidden, may_read_feedback

router = APIRouter(tags=["feedback"])


class FeedbackQuery(PageQuery):
    """Whose feedback is asked for."""

    completion_id: Name


@router.post("/v1/feedback")
async def create(body: Feedback, parts: PartsDep, caller: RaterDep) -> dict[str, Any]:
    """Store what a person thinks of an answer, whatever its type; it is durable when this answers."""
    return await _store(body, parts, caller)


@router.get("/v1/feedback")
def list_feedback(
    parts: PartsDep, caller: CallerDep, query: Annotated[FeedbackQuery, Query()]
) -> dict[str, Any]:
    """What was said about a completion, in the order of its time, what no longer counts marked so; for
    raters who may see the completion, and for the key that made it. Of one that has not landed, each rater
    reads their own and an admin all."""
    completion_id = query.completion_id
    turn = may_read_feedback(parts.log, completion_id, caller)
    with parts.log.reading() as connection:
        found = list(find(connection, Selection(completion=completion_id)))
    if turn is None:
        if caller.role != "admin":
            found = [one for one in found if caller.name and one.row.rater == caller.name]
        if not found:
            raise NotFound(
                f"There is no completion {completion_id!r} in the log.", param="completion_id"
            )
    what = f"feedback on {completion_id!r}"
    return part_of([to_wire(one) for one in found], query, what)


@router.post("/feedback")
async def create_from_tensorzero(
    body: TensorZeroFeedback, parts: PartsDep, caller: RaterDep
) -> dict[str, Any]:
    """TensorZero's body: a metric that is a truth value or a number, a comment, or a demonstration."""
    reply = await _store(body.feedback(), parts, caller, dry_run=body.dryrun)
    return {"feedback_id": str(uuid.UUID(reply["id"].removeprefix("fb-"))), **reply}


async def _store(
    body: Feedback, parts: Parts, caller: Caller, *, dry_run: bool = False
) -> dict[str, Any]:
    check_not_hidden(parts.log, body.id, caller)
    return await store(
        parts.log,
        body,
        access=caller.access,
        rater=caller.name or None,
        propositions=parts.judge.rubric.propositions,
        dry_run=dry_run,
    )
