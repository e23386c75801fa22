import asyncio
from collections.abc import Iterator

import pytest
from starlette.requests import Request
from starlette.responses import StreamingResponse

from contract.errors import NotFound, PolicyUnavailable
from server.live import Live
from server.stream import stream


def events(value: int) -> Iterator[dict]:
    yield {"value": value}


def client(*, leaves_after: float = 3600) -> Request:
    """A client that hangs up at some time."""

    async def receive() -> dict:
        await asyncio.sleep(leaves_after)
        return {"type": "http.disconnect"}

    return Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)


async def begin(work, live: Live | None = None, keep_alive: float = 0.05, **client_fields):
    return await stream(
        client(**client_fields),
        work,
        live or Live(),
        events,
        keep_alive_seconds=keep_alive,
        headers={},
    )


async def read(work, live: Live | None = None, keep_alive: float = 0.05) -> bytes:
    response = await begin(work, live, keep_alive)
    assert isinstance(response, StreamingResponse)
    return b"".join([part async for part in response.body_iterator])  # type: ignore[misc]


async def later(seconds: float, error: Exception | None = None) -> int:
    await asyncio.sleep(seconds)
    if error:
        raise error
    return 7


async def endless(stopped: asyncio.Event) -> int:
    """Work that says when it is cancelled."""
    try:
        return await later(30)
    finally:
        stopped.set()


def test_quick_work_is_sent_without_filling() -> None:
    assert asyncio.run(read(later(0))) == b'data: {"value":7}\n\ndata: [DONE]\n\n'


def test_slow_work_is_filled_with_comments() -> None:
    body = asyncio.run(read(later(0.2)))
    assert body.startswith(b": ")
    assert body.endswith(b'data: {"value":7}\n\ndata: [DONE]\n\n')


def test_an_early_error_is_raised_for_its_status() -> None:
    with pytest.raises(NotFound):
        asyncio.run(read(later(0, NotFound("no")), keep_alive=5))


def test_a_late_error_is_an_event_and_there_is_no_done() -> None:
    body = asyncio.run(read(later(0.2, PolicyUnavailable("gone"))))
    assert b'"code":"policy_unavailable"' in body
    assert b"[DONE]" not in body


def test_a_late_surprise_tells_nothing_of_itself() -> None:
    body = asyncio.run(read(later(0.2, RuntimeError("secret detail"))))
    assert b"secret detail" not in body
    assert b'"error"' in body


def test_what_is_let_out_goes_out_before_the_work_ends() -> None:
    async def run() -> list[bytes]:
        live, gate = Live(windowed=True), asyncio.Event()

        async def work() -> int:
            live.say("First.")
            await gate.wait()
            live.say(" Last.")
            return 7

        response = await begin(work(), live, keep_alive=5)
        parts = []
        async for part in response.body_iterator:
            parts.append(part)
            if b"First." in part:
                gate.set()
        return parts

    parts = asyncio.run(asyncio.wait_for(run(), 5))
    said = [part for part in parts if b'"content"' in part]
    assert b'"role":"assistant"' in said[0]
    assert b"First." in said[1] and b" Last." in said[2]
    assert parts[-1] == b"data: [DONE]\n\n"


def test_a_client_who_leaves_cancels_the_work() -> None:
    async def run() -> bool:
        stopped = asyncio.Event()

        response = await begin(endless(stopped), keep_alive=0.01)
        body = response.body_iterator
        await anext(body)
        await body.aclose()
        return stopped.is_set()

    assert asyncio.run(run())


def test_a_client_who_leaves_before_anything_was_sent_cancels_the_work_at_once() -> None:
    async def run() -> bool:
        stopped = asyncio.Event()

        with pytest.raises(asyncio.CancelledError):
            await begin(endless(stopped), keep_alive=20, leaves_after=0.05)
        return stopped.is_set()

    assert asyncio.run(asyncio.wait_for(run(), 5))
