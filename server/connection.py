"""One connection of a client, with the limits of time that uvicorn does not have.

uvicorn closes idle connections. One whose headers never end, and one whose client reads nothing of
its answer, it would keep for ever; here they are cut off, and nobody else waits for them.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from contract.settings import ServerSettings


class Connection(HttpToolsProtocol):
    """uvicorn's protocol with two timers, which a prompt client on a living connection never starts."""

    def __init__(self, *arguments: Any, limits: ServerSettings, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._limits = limits
        self._header_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._unread = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Whoever connects must also ask."""
        super().connection_made(transport)
        self._expect_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        super().connection_lost(exc)
        self._stop_header_timer()
        self._stop_write_timer()

    def data_received(self, data: bytes) -> None:
        """Bytes between two requests are the beginning of headers."""
        super().data_received(data)
        if self._is_idle and self._header_timer is None and not self.transport.is_closing():
            self._expect_headers()

    def on_headers_complete(self) -> None:
        """The headers are there in time."""
        self._stop_header_timer()
        super().on_headers_complete()

    def pause_writing(self) -> None:
        """The client does not read as fast as the answer grows."""
        super().pause_writing()
        self._expect_reading()

    def resume_writing(self) -> None:
        """It has caught up."""
        super().resume_writing()
        self._stop_write_timer()

    def timeout_keep_alive_handler(self) -> None:
        """An idle connection is closed, but what a client does not read is not kept for it."""
        super().timeout_keep_alive_handler()
        if self.transport.get_write_buffer_size():
            self._expect_reading()

    @property
    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _expect_headers(self) -> None:
        self._header_timer = self.loop.call_later(self._limits.header_seconds, self._no_headers)

    def _no_headers(self) -> None:
        self._header_timer = None
        if self._is_idle:
            self.transport.abort()

    def _expect_reading(self) -> None:
        self._stop_write_timer()
        self._unread = self.transport.get_write_buffer_size()
        self._write_timer = self.loop.call_later(self._limits.write_seconds, self._not_read)

    def _not_read(self) -> None:
        """Whoever has read anything since may go on."""
        self._write_timer = None
        if self.transport.get_write_buffer_size() < self._unread:
            self._expect_reading()
        else:
            self.transport.abort()

    def _stop_header_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _stop_write_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None
