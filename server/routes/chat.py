"""`POST /v1/chat/completions`, and its alias `/v1/chat`."""

from __future__ import annotations

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from contract.chat import ChatRequest, StreamOptions
from contract.errors import NotFound, RequestRejected
from server.live import Live
from server.parts import Parts
from server.replies import MODEL, chunks, completion
from server.routes.dependencies import CallerDep, PartsDep
from server.sampling import mode_of
from server.stream import stream, until_disconnect
from server.turn import run_turn

router = APIRouter(tags=["chat"])

MODE_HEADER = "x-plumbline-stream-mode"


@router.post("/v1/chat/completions")
@router.post("/v1/chat", include_in_schema=False)
async def create(body: ChatRequest, http: Request, parts: PartsDep, caller: CallerDep) -> Response:
    """Answer from the documents; no character is sent that has not been judged."""
    _check_model(body.model, parts)
    _check_images(body, parts)
    mode = mode_of(body, parts.settings)
    options = body.stream_options or StreamOptions()
    live = Live(
        windowed=mode == "windowed",
        policy_version=parts.policy.version,
        shows_usage=bool(options.include_usage),
        pads=bool(options.include_obfuscation),
    )
    work = run_turn(body, parts, caller, live)
    if body.stream:
        return await stream(
            http,
            work,
            live,
            lambda turn: chunks(turn, parts.policy.version),
            keep_alive_seconds=parts.settings.server.keep_alive_seconds,
            headers={MODE_HEADER: mode},
        )
    turn = await until_disconnect(http, work)
    content = orjson.dumps(completion(turn, parts.policy.version))
    return Response(content, media_type="application/json", headers={MODE_HEADER: mode})


def _check_model(model: str, parts: Parts) -> None:
    known = {MODEL, parts.policy.describe()["model"]}
    if model not in known:
        raise NotFound(
            f"The model {model!r} does not exist here. Use {MODEL!r}, which always names the policy "
            "in service.",
            code="model_not_found",
            param="model",
        )


def _check_images(body: ChatRequest, parts: Parts) -> None:
    """A picture by web address would make the model server fetch whatever a caller names."""
    urls = [image.image_url.url for message in body.messages for image in message.images]
    if parts.settings.policy.remote_images or all(u.startswith("data:image/") for u in urls):
        return
    raise RequestRejected(
        "Pictures are taken as data: URLs only (data:image/png;base64,…). The server's operator may allow "
        "web addresses with policy.remote_images.",
        code="unsupported_image",
        param="messages",
    )
