"""One of several model servers, and what is known of how it fares."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from contract.errors import PlumblineError, PolicyUnreachable
from contract.model_server import ModelServer

# Failures in a row, other than a lost connection, that put a replica aside.
STRIKES = 3

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReplicaState:
    """How a replica fares. `failures` counts those in a row; `last_error` is "" before the first."""

    url: str
    healthy: bool
    in_flight: int
    served: int
    failures: int
    last_error: str


class Replica:
    """One server, and what is known of it. All on one event loop, so nothing is locked."""

    def __init__(self, server: ModelServer, trouble: Callable[[], str | None]) -> None:
        self.server = server
        self.in_flight = self.served = self.failures = 0
        self.last_error = ""
        self.aside = False
        self._trouble = trouble

    @property
    def known_trouble(self) -> str | None:
        """What whoever watches it says, without asking it."""
        return self._trouble()

    @property
    def trouble(self) -> str | None:
        """Why nothing should be sent there, or None."""
        return self.known_trouble or (self.last_error if self.aside else None)

    def succeeded(self) -> None:
        """It answered."""
        if self.aside:
            _log.info("the policy server %s is back", self.server.url)
        self.aside, self.failures = False, 0

    def failed(self, error: PlumblineError, *, last: bool) -> None:
        """It did not answer; `last` where no other is left, which then stays unless it can't be reached."""
        self.failures += 1
        self.last_error = error.message
        gone = isinstance(error, PolicyUnreachable)
        if not self.aside and (gone or (self.failures >= STRIKES and not last)):
            self.aside = True
            _log.warning("the policy server %s is put aside: %s", self.server.url, error.message)

    @property
    def state(self) -> ReplicaState:
        """A snapshot."""
        return ReplicaState(
            self.server.url,
            self.trouble is None,
            self.in_flight,
            self.served,
            self.failures,
            self.trouble or self.last_error,
        )
