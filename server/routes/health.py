"""`/healthz`: 200 only when questions can be answered. `/livez`: 200 while the process runs at all."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from contract.errors import PlumblineError
from server.routes.dependencies import PartsDep

router = APIRouter(tags=["health"])


@router.get("/livez")
async def livez() -> dict[str, str]:
    """Does the process answer? It need not be restarted because its index or policy is missing."""
    return {"status": "alive"}


@router.get("/healthz")
async def healthz(parts: PartsDep) -> JSONResponse:
    """Is there an index with documents, does the policy answer, and does the log take rows?"""
    problems: dict[str, str] = {}
    try:
        await parts.compute(parts.retriever.check)
    except PlumblineError as error:
        problems["index"] = error.message
    try:
        await parts.rollout.check()
    except PlumblineError as error:
        problems["policy"] = error.message
    try:
        await parts.log.check()
    except PlumblineError as error:
        problems["log"] = error.message
    if problems:
        return JSONResponse({"status": "not ready", "problems": problems}, status_code=503)
    return JSONResponse({"status": "ok"})
