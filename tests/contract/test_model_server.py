import asyncio

import httpx
import pytest

from contract.errors import ContextTooLong, PolicyUnavailable, RequestRejected
from contract.model_server import ModelServer


def answer(handler: object) -> object:
    server = ModelServer("http://model/v1", transport=httpx.MockTransport(handler))  # type: ignore[arg-type]
    return asyncio.run(server.chat({"model": "m", "messages": []}))


def reply(status: int, **body: object) -> object:
    return lambda request: httpx.Response(status, json=body)


def unreachable(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


def too_slow(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("slow", request=request)


def not_json(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, text="<html>")


def test_a_good_reply_is_returned() -> None:
    assert answer(reply(200, choices=[1])) == {"choices": [1]}


@pytest.mark.parametrize(
    "handler", [unreachable, too_slow, not_json, reply(500), reply(404), reply(401)]
)
def test_a_broken_server_is_unavailable(handler: object) -> None:
    with pytest.raises(PolicyUnavailable):
        answer(handler)


def test_a_refused_request_says_why() -> None:
    with pytest.raises(RequestRejected, match="bad stop"):
        answer(reply(400, error={"message": "bad stop", "code": 400}))


def test_a_prompt_that_is_too_long_has_its_own_error() -> None:
    error = {"message": "too long", "code": "context_length_exceeded"}
    with pytest.raises(ContextTooLong):
        answer(reply(400, error=error))


def stream_of(handler: object) -> list[object]:
    server = ModelServer("http://model/v1", transport=httpx.MockTransport(handler))  # type: ignore[arg-type]

    async def collect() -> list[object]:
        return [chunk async for chunk in server.stream({"model": "m", "messages": []})]

    return asyncio.run(collect())


def streamed(*lines: str) -> object:
    return lambda request: httpx.Response(200, text="\n\n".join(lines) + "\n\n")


def test_a_stream_gives_its_chunks_and_skips_comments() -> None:
    chunks = stream_of(streamed(": waiting", 'data: {"a": 1}', 'data:{"a": 2}', "data: [DONE]"))
    assert chunks == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    "handler",
    [
        unreachable,
        too_slow,
        reply(500),
        streamed('data: {"a": 1}'),
        streamed("data: {", "data: [DONE]"),
        streamed('data: {"error": {"message": "the engine died", "code": 500}}', "data: [DONE]"),
    ],
)
def test_a_stream_that_breaks_is_unavailable_and_never_looks_finished(handler: object) -> None:
    with pytest.raises(PolicyUnavailable):
        stream_of(handler)


def test_a_refused_stream_says_why() -> None:
    with pytest.raises(RequestRejected, match="bad stop"):
        stream_of(reply(400, error={"message": "bad stop", "code": 400}))
