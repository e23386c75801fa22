"""`/v1/policies`: versions of the policy, promoted, compared and taken back; for admins."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query

from contract.errors import NotFound
from contract.promotion import BASE, Promote, Rollback
from contract.wire import Wire
from feedback.compare import compare
from server.callers import Caller
from server.parts import Parts
from server.promotion.gates import Gate
from server.promotion.listing import listing
from server.promotion.promotion import Done
from server.routes.dependencies import AdminDep, PartsDep
from server.routes.pages import Moment, Name

router = APIRouter(tags=["policies"])


class ComparisonQuery(Wire):
    """Two versions, and since when."""

    a: Name
    b: Name
    since: Moment | None = None


@router.get("/v1/policies")
async def list_policies(parts: PartsDep, caller: AdminDep) -> dict[str, Any]:
    """All versions that are stored, which of them answer, and the history of it."""
    return await asyncio.to_thread(_listing, parts)


@router.post("/v1/policies")
async def promote(body: Promote, parts: PartsDep, caller: AdminDep) -> dict[str, Any]:
    """Load a version into the running engines and give it a share of the users."""
    done = await asyncio.to_thread(parts.promotion.promote, body, _who(caller, body.by))
    return await asyncio.to_thread(_reply, parts, done)


@router.post("/v1/policies/rollback")
async def rollback(body: Rollback, parts: PartsDep, caller: AdminDep) -> dict[str, Any]:
    """End a rollout at once, or put back the version that was in service before."""
    done = await asyncio.to_thread(parts.promotion.rollback, body, _who(caller, body.by))
    return await asyncio.to_thread(_reply, parts, done)


@router.get("/v1/policies/served")
async def served(parts: PartsDep, caller: AdminDep) -> dict[str, Any]:
    """What the engines serve without any adapter: what one has to fit."""
    return asdict(await asyncio.to_thread(parts.promotion.served))


@router.get("/v1/policies/compare")
def compare_policies(
    parts: PartsDep, caller: AdminDep, query: Annotated[ComparisonQuery, Query()]
) -> dict[str, Any]:
    """What two versions did with the traffic that was drawn for them, by the log; `since` in seconds since
    1970."""
    names = [_logged(name, parts) for name in (query.a, query.b)]
    with parts.log.reading() as connection:
        return compare(connection, *names, since=query.since).to_wire()


def _logged(name: str, parts: Parts) -> str:
    """What log rows of a version say; one that is not stored any more is named whole."""
    if name == BASE:
        return parts.policy.version
    try:
        return parts.promotion.store.find(name).version
    except NotFound:
        return name


def _listing(parts: Parts) -> dict[str, Any]:
    promotion = parts.promotion
    return listing(parts.rollout.state, promotion.store, parts.policy.version)


def _reply(parts: Parts, done: Done) -> dict[str, Any]:
    told = {"version": done.version, "began": done.began, "gates": _gates(done.gates)}
    return _listing(parts) | told


def _gates(gates: Sequence[Gate]) -> list[dict[str, Any]]:
    return [asdict(gate) for gate in gates]


def _who(caller: Caller, by: str) -> str:
    """The key's name; without keys who they say they are, since only this machine can ask."""
    return caller.name or by or "anonymous"
