"""The outermost door: every request gets an id, is counted, timed and logged, and may be cut short.

One middleware rather than five, because each costs every request.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time

import orjson
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contract.errors import Overloaded, PlumblineError, TooSlow
from contract.ids import uuid7
from server.errors import SURPRISE, reply_to, response_of
from server.flights import Flights
from server.telemetry.flight import CURRENT, Flight
from server.telemetry.telemetry import WATCHED, Telemetry

_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")

_log = logging.getLogger(__name__)


class Gate:
    """Pure ASGI middleware around everything else."""

    def __init__(self, app: ASGIApp, flights: Flights, telemetry: Telemetry) -> None:
        self._app = app
        self._flights = flights
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        flight = Flight(_id_of(scope), asyncio.current_task())
        reset = CURRENT.set(flight)
        flights = self._flights

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                _begin(message, flight, flights.draining)
            elif flight.streams and flight.first_token is None:
                # What begins with a colon is a comment that keeps the connection alive.
                if message.get("body", b"").startswith(b"data:"):
                    flight.first_token = time.perf_counter() - flight.begun
            await send(message)

        try:
            with self._telemetry.request(flight, scope):
                await self._fly(flight, scope, receive, answer)
        finally:
            flights.leave(flight)
            CURRENT.reset(reset)

    async def _fly(self, flight: Flight, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, and answer where nothing behind the gate did."""
        try:
            if scope["path"] in WATCHED:
                if self._flights.draining and scope["path"] == "/healthz":
                    await JSONResponse({"status": "draining"}, 503)(scope, receive, send)
                    return
            else:
                self._flights.enter(flight)
            await self._app(scope, receive, send)
        except Overloaded as error:
            await reply_to(error)(scope, receive, send)
        except asyncio.CancelledError:
            await _cancelled(flight, scope, receive, send)
        except Exception as error:
            _log.error(
                "%s failed", getattr(scope.get("route"), "path", "a request"), exc_info=error
            )
            await _fail(PlumblineError(SURPRISE), flight, scope, receive, send)


async def _cancelled(flight: Flight, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer where the server cut the request short; where its caller hung up, nobody listens."""
    if flight.task is not None and flight.task.cancelling():
        if flight.cut is None:
            raise
        flight.task.uncancel()
    if flight.cut is not None:
        await _fail(flight.cut, flight, scope, receive, send)


async def _fail(
    error: PlumblineError, flight: Flight, scope: Scope, receive: Receive, send: Send
) -> None:
    """The error as a response, as the last event of a stream, or as a connection that breaks off."""
    flight.error = error
    if not flight.status:
        await reply_to(error)(scope, receive, send)
    elif flight.streams:
        event = b"data: " + orjson.dumps(response_of(error)[1]) + b"\n\n"
        await send({"type": "http.response.body", "body": event, "more_body": False})


def _begin(message: Message, flight: Flight, draining: bool) -> None:
    """Note status and kind of an answer, and add the headers that each one has."""
    flight.status = message["status"]
    milliseconds = (time.perf_counter() - flight.begun) * 1000
    headers = [
        *message.get("headers", ()),
        (b"x-request-id", flight.id.encode()),
        (b"openai-processing-ms", b"%d" % milliseconds),
    ]
    if flight.budget is not None:
        headers += flight.budget.headers()
    # What is left of a body that came too slowly is not waited for.
    if draining or isinstance(flight.error, TooSlow):
        headers.append((b"connection", b"close"))
    flight.streams = any(
        name == b"content-type" and value.startswith(b"text/event-stream")
        for name, value in headers
    )
    message["headers"] = headers


def _id_of(scope: Scope) -> str:
    """The caller's own id for the request, where it is one that can stand in a log, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _ID.fullmatch(value):
            return str(value, "ascii")
    return f"req_{uuid7()}"
