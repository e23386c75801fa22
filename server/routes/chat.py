"""`POST /v1/chat/completions`, and its alias `/v1/chat`."""

from __future__ import annotations

from functools import partial

import orjson
from fastapi import FastAPI, Request
from starlette.responses import Response

from contract.chat import ChatRequest, StreamOptions
from contract.errors import RequestRejected
from server.live import Live
from server.parts import Parts
from server.replies import MODEL, chunks
from server.routes.bodies import body_of, documented
from server.routes.dependencies import caller_of, parts_of
from server.routes.models import no_such_model
from server.sampling import mode_of
from server.stream import stream, until_disconnect
from server.turn import run_turn

MODE_HEADER = "x-plumbline-stream-mode"


def install(app: FastAPI) -> None:
    """Put the route on the application itself: the router of an included one costs each request more."""
    add = partial(app.add_api_route, endpoint=create, methods=["POST"], tags=["chat"])
    add("/v1/chat/completions", openapi_extra=documented(ChatRequest))
    add("/v1/chat", include_in_schema=False)


async def create(http: Request) -> Response:
    """Answer from the documents; no character is sent that has not been judged."""
    body, came = await body_of(http, ChatRequest)
    parts, caller = parts_of(http), caller_of(http)
    _check_model(body.model, parts)
    _check_images(body, parts)
    parts = parts.for_turn(body, caller)
    mode = mode_of(body, parts.settings)
    options = body.stream_options or StreamOptions()
    live = Live(
        came,
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
            lambda answered: chunks(*answered),
            keep_alive_seconds=parts.settings.server.keep_alive_seconds,
            headers={MODE_HEADER: mode},
        )
    _, reply = await until_disconnect(http, work)
    return Response(orjson.dumps(reply), media_type="application/json", headers={MODE_HEADER: mode})


def _check_model(model: str, parts: Parts) -> None:
    known = {MODEL, parts.policy.describe()["model"]}
    if model not in known:
        raise no_such_model(model)


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
