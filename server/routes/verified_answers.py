"""`/v1/verified_answers`: people's answers that serve at once, made and withdrawn by admins."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Query

from contract.errors import Conflict
from contract.verified import MakeVerified, State
from feedback.verified import VerifiedRecord, end_verified, find_verified, list_verified
from server.callers import Caller
from server.parts import Parts
from server.routes.dependencies import AdminDep, PartsDep, RaterDep
from server.routes.pages import Name, Order, PageQuery, page
from server.verified.making import make
from server.verified.serving import expire
from server.verified.standing import standing

router = APIRouter(tags=["verified answers"])


class VerifiedAnswersQuery(PageQuery):
    """Which of them are asked for."""

    state: State | None = None
    collection: Name | None = None
    order: Order = "desc"


@router.post("/v1/verified_answers")
async def create(body: MakeVerified, parts: PartsDep, caller: AdminDep) -> dict[str, Any]:
    """Let an answer serve whoever asks the same from now on, while its sources stay as they are."""
    return (await make(body, parts, caller)).to_wire()


@router.get("/v1/verified_answers")
async def list_answers(
    parts: PartsDep, caller: RaterDep, query: Annotated[VerifiedAnswersQuery, Query()]
) -> dict[str, Any]:
    """Those that the caller may see, the newest first. Each is held against the index first, so one whose
    source has changed is shown as expired although nobody has asked since."""
    with parts.log.reading() as connection:
        chosen = list_verified(
            connection,
            caller.access,
            after=query.after,
            newest_first=query.order == "desc",
            state=query.state,
            collection=query.collection,
        )
        found = list(islice(chosen, query.limit + 1))
    fresh = await _held_against_index(found[: query.limit], parts, caller)
    data = [record.to_wire() for record in fresh if query.state in (None, record.state)]
    return page(data, has_more=len(found) > query.limit)


@router.get("/v1/verified_answers/{identifier}")
async def get_answer(identifier: str, parts: PartsDep, caller: RaterDep) -> dict[str, Any]:
    """One of them, held against the index first."""
    return (await _one(identifier, parts, caller)).to_wire()


@router.delete("/v1/verified_answers/{identifier}")
async def withdraw(identifier: str, parts: PartsDep, caller: AdminDep) -> dict[str, Any]:
    """Take one out of service; it stays listed. Deleting its turn takes its words away too."""
    reason = f"withdrawn by {caller.name}" if caller.name else "withdrawn"
    record = _read(identifier, parts, caller)
    done = await parts.log.write(lambda c: end_verified(c, identifier, "withdrawn", reason))
    after = _read(identifier, parts, caller)
    if not done and after.state != "withdrawn":
        raise Conflict(f"{record.id!r} is {after.state} already: {after.reason}.", param="id")
    return after.to_wire()


async def _one(identifier: str, parts: Parts, caller: Caller) -> VerifiedRecord:
    record = _read(identifier, parts, caller)
    return (await _held_against_index([record], parts, caller))[0]


def _read(identifier: str, parts: Parts, caller: Caller) -> VerifiedRecord:
    with parts.log.reading() as connection:
        return find_verified(connection, identifier, caller.access)


async def _held_against_index(
    records: list[VerifiedRecord], parts: Parts, caller: Caller
) -> list[VerifiedRecord]:
    """The same after those whose sources have changed are ended."""
    current = [record for record in records if record.state == "in_force"]
    documents = {source["document_id"] for record in current for source in record.sources}
    if not documents:
        return records
    sources = await parts.compute(partial(parts.retriever.sources, documents))
    over = {r.id: why for r in current if (why := standing(r, sources).expired)}
    for record in current:
        if record.id in over:
            await expire(record, over[record.id], parts)
    return [_read(r.id, parts, caller) if r.id in over else r for r in records]
