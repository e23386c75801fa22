"""`POST /v1/feedback`: what people think of a completion."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from contract.feedback import Feedback
from feedback.rate import store
from server.routes.dependencies import PartsDep, RaterDep

router = APIRouter(tags=["feedback"])


@router.post("/v1/feedback")
async def create(body: Feedback, parts: PartsDep, caller: RaterDep) -> dict[str, Any]:
    """Store a rating, a pair, a ranking or a correction; it is durable when this answers."""
    return await store(parts.log, body, access=caller.access, rater=caller.name or None)
