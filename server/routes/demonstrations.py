"""`/v1/demonstrations`: answers that people write as examples."""

from __future__ import annotations

import time
from typing import Any

from fastapi import APIRouter

from contract.demonstrations import Demonstrations
from feedback.imports.records import Origin
from feedback.imports.written import take
from server.routes.dependencies import PartsDep, RaterDep

router = APIRouter(tags=["feedback"])


@router.post("/v1/demonstrations")
async def create(body: Demonstrations, parts: PartsDep, caller: RaterDep) -> dict[str, Any]:
    """Store demonstrations as `plumbline feedback import` does, for the caller's key to read; the good ones
    are stored, each other one is named with its place and the reason."""
    origin = Origin(
        source=body.source_name,
        collection=body.collection or parts.settings.retrieval.collection,
        rater=caller.name or None,
        owner=caller.name,
        when=time.time(),
    )
    taken = await take(parts.log, body.examples, origin, dry_run=body.dry_run)
    return {
        "object": "plumbline.demonstrations",
        "policy_version": origin.version,
        "dry_run": body.dry_run,
    } | taken.to_wire()
