"""A request in flight: what is measured of it, and what may cut it short."""

from __future__ import annotations

import asyncio
import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from contract.errors import PlumblineError
from server.limits import Budget


@dataclass(slots=True, eq=False)
class Flight:
    """One request, from its first byte to the last of its answer.

    Attributes:
        begun: when it came, by `time.perf_counter()`.
        status: of the answer; 0 while none has begun.
        first_token: seconds until the first event of a stream, keep-alive comments apart.
        stages: seconds spent in each stage; those of choices that ran side by side add up.
        facts: what the turn came to, for the log line: ids, counts, versions, never text.
        error: what it was refused with, or failed of.
        cut: why it was cut short, where it was.
        has_deadline: whether it ends with `server.request_seconds`.
        body_since: since when it waits for its body; None where it does not.
        budget: of its caller, where the caller has limits.
    """

    id: str
    task: asyncio.Task[Any] | None
    begun: float = field(default_factory=time.perf_counter)
    status: int = 0
    streams: bool = False
    first_token: float | None = None
    stages: dict[str, float] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    error: PlumblineError | None = None
    cut: PlumblineError | None = None
    has_deadline: bool = True
    body_since: float | None = None
    budget: Budget | None = None

    def cut_short(self, reason: PlumblineError) -> None:
        """Cancel it, once."""
        if self.cut is None and self.task is not None:
            self.cut = self.error = reason
            self.task.cancel()


# The request that the running code works for; tasks that it starts inherit it.
CURRENT: ContextVar[Flight | None] = ContextVar("flight", default=None)


def cut_reason() -> PlumblineError | None:
    """Why the server cut the current request short; None where its caller hung up."""
    flight = CURRENT.get()
    return flight.cut if flight else None
