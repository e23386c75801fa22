import asyncio
from collections.abc import Iterator

import pytest
from starlette.responses import StreamingResponse

from contract.errors import NotFound, PolicyUnavailable
from server.stream import stream


def events(value: int) -> Iterator[dict]:
    yield {"value": value}


async def read(work, keep_alive_seconds: float = 0.05) -> bytes:
    response = await stream(work, events, keep_alive_seconds=keep_alive_seconds, headers={})
    assert isinstance(response, StreamingResponse)
    return b"".join([part async for part in response.body_iterator])  # type: ignore[misc]


async def later(seconds: float, error: Exception | None = None) -> int:
    await asyncio.sleep(seconds)
    if error:
        raise error
    return 7


def test_quick_work_is_sent_without_filling() -> None:
    assert asyncio.run(read(later(0))) == b'data: {"value":7}\n\ndata: [DONE]\n\n'


def test_slow_work_is_filled_with_comments() -> None:
    body = asyncio.run(read(later(0.2)))
    assert body.startswith(b": ")
    assert body.endswith(b'data: {"value":7}\n\ndata: [DONE]\n\n')


def test_an_early_error_is_raised_for_its_status() -> None:
    with pytest.raises(NotFound):
        asyncio.run(read(later(0, NotFound("no")), keep_alive_seconds=5))


def test_a_late_error_is_an_event_and_there_is_no_done() -> None:
    body = asyncio.run(read(later(0.2, PolicyUnavailable("gone"))))
    assert b'"code":"policy_unavailable"' in body
    assert b"[DONE]" not in body


def test_a_late_surprise_tells_nothing_of_itself() -> None:
    body = asyncio.run(read(later(0.2, RuntimeError("secret detail"))))
    assert b"secret detail" not in body
    assert b'"error"' in body


def test_a_client_who_leaves_cancels_the_work() -> None:
    async def run() -> bool:
        task = asyncio.ensure_future(later(30))
        response = await stream(task, events, keep_alive_seconds=0.01, headers={})
        body = response.body_iterator  # type: ignore[attr-defined]
        await anext(body)
        await body.aclose()
        return task.cancelled()

    assert asyncio.run(run())
