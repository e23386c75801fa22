"""Requests that are too large are turned away: before they are read, or while they are."""

from __future__ import annotations

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contract.errors import TooLarge
from contract.settings import ServerSettings
from server.errors import reply_to
from server.telemetry.flight import CURRENT, Flight

# Here the body is a stream of files, which is never held as a whole.
UPLOADS = ("POST", "/v1/documents")


class BodyLimit:
    """Pure ASGI middleware: counts the bytes of a body and answers 413 where there are too many."""

    def __init__(self, app: ASGIApp, settings: ServerSettings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        flight = CURRENT.get()
        is_upload = (scope["method"], scope["path"].rstrip("/")) == UPLOADS
        error, most = self._limit(is_upload)
        length = next((v for k, v in scope["headers"] if k == b"content-length"), b"")
        if length.isdigit():
            if int(length) > most:
                await _refuse(error, scope, receive, send)
                return
            if not is_upload:
                # The server reads no more bytes of a body than its head announces.
                await self._app(scope, _timed(receive, flight), send)
                return
        if is_upload:
            await self._app(scope, _counted(receive, most, error, flight), send)
            return
        messages, size, more = list[Message](), 0, True
        _waits(flight, True)
        while more:
            message = await receive()
            messages.append(message)
            size += len(message.get("body", b""))
            more = message["type"] == "http.request" and message.get("more_body", False)
            if size > most:
                _waits(flight, False)
                await _refuse(error, scope, receive, send)
                return
        _waits(flight, False)

        async def replay() -> Message:
            return messages.pop(0) if messages else await receive()

        await self._app(scope, replay, send)

    def _limit(self, is_upload: bool) -> tuple[TooLarge, int]:
        name = "max_upload_bytes" if is_upload else "max_body_bytes"
        most: int = getattr(self._settings, name)
        return TooLarge(f"The request is larger than {most} bytes (server.{name})."), most


def _timed(receive: Receive, flight: Flight | None) -> Receive:
    """The same messages; the body has its time to come, from now until it is there."""
    _waits(flight, True)

    async def timed() -> Message:
        message = await receive()
        if not message.get("more_body", False):
            _waits(flight, False)
        return message

    return timed


def _counted(receive: Receive, most: int, error: TooLarge, flight: Flight | None) -> Receive:
    """The same messages, until there are too many bytes in them; then the error is raised.

    Each piece has its own time to come, until the whole body is there.
    """
    size, more = 0, True
    if flight is not None:
        flight.has_deadline = False

    async def counted() -> Message:
        nonlocal size, more
        _waits(flight, more)
        message = await receive()
        _waits(flight, False)
        more = message["type"] == "http.request" and message.get("more_body", False)
        size += len(message.get("body", b""))
        if size > most:
            raise error
        return message

    return counted


async def _refuse(error: TooLarge, scope: Scope, receive: Receive, send: Send) -> None:
    await reply_to(error)(scope, receive, send)


def _waits(flight: Flight | None, waiting: bool) -> None:
    """Note since when a request waits for its body; whoever lets it wait too long is cut short."""
    if flight is not None:
        flight.body_since = time.perf_counter() if waiting else None
