"""`/metrics`, for Prometheus."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from starlette.responses import Response

from contract.errors import PlumblineError
from server.parts import Parts
from server.routes.dependencies import PartsDep, admin_of

router = APIRouter(tags=["health"])

# Prometheus gives up after ten seconds; a policy that takes this long is as good as gone.
_POLICY_SECONDS = 3.0


@router.get("/metrics", response_class=Response)
async def metrics(http: Request, parts: PartsDep) -> Response:
    """Everything that is counted, and what the log, the index and the policy are at just now."""
    if not parts.settings.server.open_metrics:
        admin_of(http)
    shown = parts.telemetry.metrics
    shown.log_queue.set(parts.log.waiting)
    shown.policy_up.set(await _policy_is_up(parts))
    await asyncio.to_thread(_show_index, parts)
    content, media_type = shown.exposition(http.headers.get("accept", ""))
    return Response(content, media_type=media_type)


async def _policy_is_up(parts: Parts) -> bool:
    try:
        await asyncio.wait_for(parts.rollout.check(), _POLICY_SECONDS)
    except (PlumblineError, TimeoutError):
        return False
    return True


def _show_index(parts: Parts) -> None:
    try:
        manifest = parts.retriever.check().manifest
    except PlumblineError:
        parts.telemetry.metrics.show_index("none", 0, 0)
        return
    parts.telemetry.metrics.show_index(manifest.version, manifest.chunks, manifest.documents)
