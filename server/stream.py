"""Server-sent events: errors keep their status while nothing has been sent, and silence is filled."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import suppress
from typing import Any, TypeVar

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from contract.errors import PlumblineError
from server.errors import SURPRISE, response_of
from server.live import Live
from server.replies import OPENING, chunk

T = TypeVar("T")

_log = logging.getLogger(__name__)

# A comment line: clients skip it, proxies see that the connection lives.
_KEEP_ALIVE = b": candidates are being judged\n\n"
_DONE = b"data: [DONE]\n\n"


async def stream(
    http: Request,
    work: Coroutine[Any, Any, T],
    live: Live,
    events: Callable[[T], Iterator[dict[str, Any]]],
    *,
    keep_alive_seconds: float,
    headers: dict[str, str],
) -> Response:
    """Send what the work lets out through `live` while it goes on, and then its events.

    An error within the first `keep_alive_seconds`, before anything went out, is raised, so it gets its
    own status. After that the stream has begun; a later error is sent as an event, and the stream ends
    without `[DONE]`. A client that goes away cancels the work.
    """
    task = asyncio.ensure_future(work)
    task.add_done_callback(lambda _: live.deltas.put_nowait(None))
    gone = asyncio.ensure_future(disconnected(http))
    first = asyncio.ensure_future(live.deltas.get())
    try:
        await asyncio.wait(
            {first, gone}, timeout=keep_alive_seconds, return_when=asyncio.FIRST_COMPLETED
        )
        if gone.done() and not task.done():
            raise asyncio.CancelledError
        if first.done() and first.result() is None:
            task.result()
    except BaseException:
        first.cancel()
        await _stop(task)
        raise
    finally:
        gone.cancel()
    return StreamingResponse(
        _body(task, first, live, events, keep_alive_seconds),
        media_type="text/event-stream",
        headers={"cache-control": "no-cache"} | headers,
    )


async def until_disconnect(http: Request, work: Coroutine[Any, Any, T]) -> T:
    """Do the work of a turn; a caller that hangs up cancels it."""
    mine = asyncio.current_task()
    assert mine is not None

    async def watch() -> None:
        await disconnected(http)
        mine.cancel()

    watcher = asyncio.ensure_future(watch())
    try:
        return await work
    except asyncio.CancelledError:
        if watcher.done():
            mine.uncancel()
        raise
    finally:
        watcher.cancel()


async def disconnected(http: Request) -> None:
    """Return when the client has hung up."""
    while (await http.receive())["type"] != "http.disconnect":
        pass


async def _body(
    task: asyncio.Future[T],
    first: asyncio.Future[dict[str, Any] | None],
    live: Live,
    events: Callable[[T], Iterator[dict[str, Any]]],
    keep_alive_seconds: float,
) -> AsyncIterator[bytes]:
    try:
        opened, coming = False, first
        while True:
            await asyncio.wait({coming}, timeout=keep_alive_seconds)
            if not coming.done():
                yield _KEEP_ALIVE
                continue
            delta = coming.result()
            if delta is None:
                break
            if not opened:
                opened = True
                yield _event(chunk(live, OPENING))
            yield _event(chunk(live, delta))
            coming = asyncio.ensure_future(live.deltas.get())
        for event in events(task.result()):
            yield _event(event)
        yield _DONE
    except PlumblineError as error:
        yield _event(response_of(error)[1])
    except Exception:
        _log.exception("a stream failed")
        plain = PlumblineError(SURPRISE)
        yield _event(response_of(plain)[1])
    finally:
        coming.cancel()
        await _stop(task)


async def _stop(task: asyncio.Future[Any]) -> None:
    """Cancel work that nobody waits for, and wait until it has stopped."""
    if not task.done():
        task.cancel()
        with suppress(asyncio.CancelledError, PlumblineError):
            await task


def _event(value: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(value) + b"\n\n"
