"""The load: one keep-alive connection, which keeps when each piece of an answer came.

A raw protocol on purpose: the HTTP clients of the servers under test cost as much as these do.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httptools
import orjson

_CONTENT = re.compile(rb'"content":\s*"(?!")')


@dataclass(slots=True)
class Answer:
    """A reply: when it began and ended, in seconds from the request; pieces with their times on the
    clock of time.monotonic. `whole` is false where the connection broke or was hung up."""

    sent: float
    status: int = 0
    pieces: list[tuple[float, bytes]] = field(default_factory=list)
    first: float | None = None
    seconds: float = 0.0
    whole: bool = False

    @property
    def body(self) -> bytes:
        return b"".join(data for _, data in self.pieces)

    def events(self) -> list[tuple[float, dict[str, Any]]]:
        """The events of a stream, each with the time at which it was complete."""
        found, rest = [], b""
        for at, data in self.pieces:
            *complete, rest = (rest + data).split(b"\n\n")
            lines = (event.removeprefix(b"data: ") for event in complete if event[:5] == b"data:")
            found += [(at, orjson.loads(line)) for line in lines if line != b"[DONE]"]
        return found


class Connection(asyncio.Protocol):
    """Asks one request at a time; a broken connection is opened anew by the next `ask`."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._transport: asyncio.Transport | None = None
        self._done: asyncio.Future[None] | None = None
        self._answer = Answer(0.0)
        self._until: Callable[[Answer], bool] | None = None
        self._streams = False

    async def ask(self, request: bytes, *, until: Callable[[Answer], bool] | None = None) -> Answer:
        """Send a request made by `post` or `get` and wait for the whole reply; where `until` becomes
        true, hang up.

        Raises:
            ConnectionError: nobody listens.
        """
        loop = asyncio.get_running_loop()
        if self._transport is None or self._transport.is_closing():
            await loop.create_connection(lambda: self, "127.0.0.1", self._port)
        assert self._transport is not None
        self._done, self._until = loop.create_future(), until
        self._answer = answer = Answer(time.monotonic())
        self._transport.write(request)
        await self._done
        answer.seconds = time.monotonic() - answer.sent
        return answer

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self._parser = httptools.HttpResponseParser(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._finish()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_headers_complete(self) -> None:
        self._answer.status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        now = time.monotonic()
        answer = self._answer
        answer.pieces.append((now, body))
        if answer.first is None and _CONTENT.search(body):
            answer.first = now - answer.sent
        if self._until is not None and self._until(answer):
            self.close()
            self._finish()

    def on_message_complete(self) -> None:
        self._answer.whole = True
        if not self._parser.should_keep_alive():
            self.close()
        self._finish()

    def _finish(self) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_result(None)


def post(path: str, body: Mapping[str, Any], key: str | None = None) -> bytes:
    """The bytes of a JSON request, with a bearer token where a key is given."""
    content = orjson.dumps(body)
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    if key is not None:
        head += f"authorization: Bearer {key}\r\n"
    return f"{head}content-length: {len(content)}\r\n\r\n".encode() + content


def get(path: str) -> bytes:
    """The bytes of a request without a body."""
    return f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".encode()


async def fetch(port: int, request: bytes) -> Any:
    """One JSON reply over a connection of its own."""
    connection = Connection(port)
    try:
        return orjson.loads((await connection.ask(request)).body)
    finally:
        connection.close()
