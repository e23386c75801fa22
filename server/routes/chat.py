"""`POST /v1/chat/completions`, and its alias `/v1/chat`."""

from __future__ import annotations

import asyncio

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from contract.chat import ChatRequest
from contract.errors import NotFound
from server.parts import Parts
from server.replies import MODEL, chunks, completion
from server.routes.dependencies import CallerDep, PartsDep
from server.stream import stream
from server.turn import run_turn

router = APIRouter(tags=["chat"])

MODE_HEADER = "x-plumbline-stream-mode"


@router.post("/v1/chat/completions")
@router.post("/v1/chat", include_in_schema=False)
async def create(body: ChatRequest, http: Request, parts: PartsDep, caller: CallerDep) -> Response:
    """Answer from the documents; the answer is judged before a character of it is sent."""
    _check_model(body.model, parts)
    if body.stream:
        return await stream(
            run_turn(body, parts, caller),
            lambda turn: chunks(turn, parts.policy.version),
            keep_alive_seconds=parts.settings.server.keep_alive_seconds,
            headers={MODE_HEADER: body.plumbline.stream_mode},
        )
    turn = await _until_disconnect(http, asyncio.ensure_future(run_turn(body, parts, caller)))
    content = orjson.dumps(completion(turn, parts.policy.version))
    return Response(content, media_type="application/json")


def _check_model(model: str, parts: Parts) -> None:
    known = {MODEL, parts.policy.describe()["model"]}
    if model not in known:
        raise NotFound(
            f"The model {model!r} does not exist here. Use {MODEL!r}, which always names the policy "
            "in service.",
            code="model_not_found",
            param="model",
        )


async def _until_disconnect(http: Request, task: asyncio.Future):  # type: ignore[no-untyped-def, type-arg]
    """Wait for a turn; a caller that hangs up cancels it."""
    gone = asyncio.ensure_future(_disconnected(http))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            task.cancel()
        return await task
    finally:
        gone.cancel()


async def _disconnected(http: Request) -> None:
    while (await http.receive())["type"] != "http.disconnect":
        pass
