"""Server-sent events: errors keep their status while nothing has been sent, and silence is filled."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any, TypeVar

import orjson
from starlette.responses import Response, StreamingResponse

from contract.errors import PlumblineError
from server.errors import response_of

T = TypeVar("T")

_log = logging.getLogger(__name__)

# A comment line: clients skip it, proxies see that the connection lives.
_KEEP_ALIVE = b": candidates are being judged\n\n"
_DONE = b"data: [DONE]\n\n"


async def stream(
    work: Awaitable[T],
    events: Callable[[T], Iterator[dict[str, Any]]],
    *,
    keep_alive_seconds: float,
    headers: dict[str, str],
) -> Response:
    """Wait for `work`, then send its events.

    An error within the first `keep_alive_seconds` is raised, so it gets its own status. After that
    the stream has begun; a later error is sent as an event, and the stream ends without `[DONE]`.
    A client that goes away cancels the work.
    """
    task = asyncio.ensure_future(work)
    try:
        done, _ = await asyncio.wait({task}, timeout=keep_alive_seconds)
    except asyncio.CancelledError:
        task.cancel()
        raise
    if done:
        task.result()
    body = _body(task, events, keep_alive_seconds)
    return StreamingResponse(
        body, media_type="text/event-stream", headers={"cache-control": "no-cache"} | headers
    )


async def _body(
    task: asyncio.Future[T],
    events: Callable[[T], Iterator[dict[str, Any]]],
    keep_alive_seconds: float,
) -> AsyncIterator[bytes]:
    try:
        while not task.done():
            yield _KEEP_ALIVE
            await asyncio.wait({task}, timeout=keep_alive_seconds)
        for event in events(task.result()):
            yield _event(event)
        yield _DONE
    except PlumblineError as error:
        yield _event(response_of(error)[1])
    except Exception:
        _log.exception("a stream failed")
        plain = PlumblineError("Something unexpected happened; the server's log has the details.")
        yield _event(response_of(plain)[1])
    finally:
        if not task.done():
            task.cancel()
            with suppress(asyncio.CancelledError, PlumblineError):
                await task


def _event(value: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(value) + b"\n\n"
