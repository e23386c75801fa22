"""uvicorn with an end that loses nothing: what is in flight is finished, then the log is flushed."""

from __future__ import annotations

import logging
import signal
import socket
import sys
import time
from functools import partial
from types import FrameType
from typing import Any

import uvicorn

from contract.settings import ServerSettings
from server.connection import Connection
from server.flights import Flights

# Time for turns that were cut short to be logged, and for last bytes to reach their clients.
_SECONDS_TO_LOG = 5.0
_SECONDS_TO_FLUSH = 3

_log = logging.getLogger(__name__)


def serve_app(
    app: Any, settings: ServerSettings, flights: Flights, listening: socket.socket | None = None
) -> None:
    """Serve until SIGTERM or Ctrl-C, and return when everything is finished and written.

    With a socket that several processes share, SIGTERM alone counts: a terminal sends Ctrl-C to all of
    them, and whoever started them passes it on as SIGTERM.
    """
    server = DrainingServer(server_config(app, settings), settings, flights)
    if listening is not None:
        server.deaf_to = frozenset({signal.SIGINT})
    server.run([listening] if listening is not None else None)
    if not server.started:
        sys.exit(1)


def server_config(app: Any, settings: ServerSettings, **options: Any) -> uvicorn.Config:
    """uvicorn's configuration; logging is left as it is set up already."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=partial(Connection, limits=settings),  # type: ignore[arg-type]
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=_SECONDS_TO_FLUSH,
        **options,
    )


class DrainingServer(uvicorn.Server):
    """A first signal lets requests in flight finish, a second cuts them short, a third does not wait."""

    def __init__(self, config: uvicorn.Config, settings: ServerSettings, flights: Flights) -> None:
        super().__init__(config)
        self._flights = flights
        self._patience = settings.drain_seconds
        self._draining_since: float | None = None
        self._signals = 0
        self.deaf_to: frozenset[int] = frozenset()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take no more requests. The port stays open, so that the health check can say so."""
        if sig in self.deaf_to:
            return
        # uvicorn would raise the signal again at the end, and the exit code would not be 0.
        self._signals += 1
        self._flights.drain()
        if self._draining_since is None:
            self._draining_since = time.monotonic()
        if self._signals > 2:
            self.should_exit = self.force_exit = True

    async def on_tick(self, counter: int) -> bool:
        """Asked ten times a second whether it is time to stop."""
        if await super().on_tick(counter):
            return True
        if self._draining_since is None:
            return False
        waited = time.monotonic() - self._draining_since
        if counter % 10 == 0 and len(self._flights):
            _log.info("stopping: %d requests are being finished", len(self._flights))
        if len(self._flights) and waited < self._patience and self._signals < 2:
            return False
        if len(self._flights):
            _log.warning("stopping: %d requests are cut short", len(self._flights))
            await self._flights.cut_all(_SECONDS_TO_LOG)
        return True
