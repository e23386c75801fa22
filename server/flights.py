"""All requests in flight: how many there may be, how long each may take, and how they end."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

from contract.errors import Overloaded, PlumblineError, Stopping, TimedOut, TooSlow
from contract.settings import ServerSettings
from server.telemetry.flight import Flight

# One look at all flights, rather than timers for each: deadlines are kept to this exactness.
_SECONDS_BETWEEN_LOOKS = 0.2


class Flights:
    """Requests that have come in and are not answered yet."""

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self._flights: set[Flight] = set()
        self._watch: asyncio.Task[None] | None = None
        self.draining = False

    def __len__(self) -> int:
        return len(self._flights)

    def start(self) -> None:
        """Begin to watch over them; needs a running event loop."""
        self._watch = asyncio.get_running_loop().create_task(self._look())

    async def close(self) -> None:
        """End the watch."""
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch

    def enter(self, flight: Flight) -> None:
        """Take a request in.

        Raises:
            Stopping: the server takes no new ones.
            Overloaded: there are as many as may be.
        """
        if self.draining:
            raise Stopping("The server is about to stop and takes no new requests. Try again.")
        if len(self._flights) >= self._settings.max_concurrent:
            raise Overloaded(
                f"{self._settings.max_concurrent} requests are in flight, as many as this server "
                "takes (server.max_concurrent). Try again in a moment."
            )
        self._flights.add(flight)

    def leave(self, flight: Flight) -> None:
        """A request is answered, refused or gone."""
        self._flights.discard(flight)

    def drain(self) -> None:
        """From now on take nothing new."""
        self.draining = True

    async def cut_all(self, patience_seconds: float) -> None:
        """Cut all short that are left, and wait until they have ended and are logged."""
        reason = Stopping("The server was stopped before the request was finished.")
        for flight in list(self._flights):
            flight.cut_short(reason)
        limit = time.monotonic() + patience_seconds
        while self._flights and time.monotonic() < limit:
            await asyncio.sleep(0.02)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)
            now = time.perf_counter()
            for flight in list(self._flights):
                if (reason := self._late(flight, now)) is not None:
                    flight.cut_short(reason)

    def _late(self, flight: Flight, now: float) -> PlumblineError | None:
        settings = self._settings
        if flight.body_since is not None and now - flight.body_since > settings.body_seconds:
            return TooSlow(
                f"The body did not come within {settings.body_seconds:g} seconds "
                "(server.body_seconds)."
            )
        if flight.has_deadline and now - flight.begun > settings.request_seconds:
            return TimedOut(
                f"The request took longer than {settings.request_seconds:g} seconds "
                "(server.request_seconds) and was given up."
            )
        return None
