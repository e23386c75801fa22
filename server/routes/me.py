"""`GET /v1/me`: who the server takes the caller for."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from server.routes.dependencies import CallerDep, PartsDep

router = APIRouter(tags=["callers"])


@router.get("/v1/me")
async def me(parts: PartsDep, caller: CallerDep) -> dict[str, Any]:
    """Name, role and labels of the key that was sent; `keys` tells whether this server asks for keys, and
    `metrics` whether the caller may read `/metrics`."""
    return {
        "object": "plumbline.caller",
        "name": caller.name,
        "role": caller.role,
        "labels": sorted(caller.access.labels),
        "keys": parts.settings.server.keys_file is not None,
        "metrics": caller.role == "admin" or parts.settings.server.open_metrics,
    }
