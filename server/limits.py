"""How many requests and tokens a caller may use.

A budget refills evenly: sixty requests a minute are one each second, and sixty at once after a quiet
minute. What an answer cost is known only afterwards, so its tokens are taken then, and the next
request waits until the budget is above zero again. Budgets live in this process.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from contract.errors import RateLimited

_MINUTE, _DAY = 60.0, 86_400.0

Kind = Literal["requests", "tokens"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a caller may use; None is no limit."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    tokens_per_day: int | None = None

    @property
    def exist(self) -> bool:
        """Is there any?"""
        return self != UNLIMITED


UNLIMITED = Limits()


class Bucket:
    """`size` units that come back evenly over `seconds`. It may be overdrawn."""

    __slots__ = ("_at", "_level", "_rate", "period", "size")

    def __init__(self, size: int, seconds: float, now: float) -> None:
        self.size = size
        self.period = "minute" if seconds == _MINUTE else "day"
        self._rate = size / seconds
        self._level = float(size)
        self._at = now

    def level(self, now: float) -> float:
        """Units that are there."""
        self._level = min(float(self.size), self._level + (now - self._at) * self._rate)
        self._at = now
        return self._level

    def take(self, units: float, now: float) -> None:
        """Take units out, even where there are none."""
        self._level = self.level(now) - units

    def seconds_until(self, units: float, now: float) -> float:
        """How long until so many are there."""
        return max(0.0, (units - self.level(now)) / self._rate)


class Budget:
    """The buckets of one caller."""

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        now = clock()
        self.limits = limits
        self._clock = clock
        per_minute = limits.requests_per_minute
        self._requests = Bucket(per_minute, _MINUTE, now) if per_minute else None
        sizes = ((limits.tokens_per_minute, _MINUTE), (limits.tokens_per_day, _DAY))
        self._tokens = [Bucket(size, seconds, now) for size, seconds in sizes if size]

    def admit(self) -> None:
        """Take one request.

        Raises:
            RateLimited: a bucket is empty; nothing is taken then.
        """
        now = self._clock()
        for bucket in self._tokens:
            if bucket.level(now) <= 0:
                raise _refusal("tokens", bucket, bucket.seconds_until(1, now))
        if self._requests is not None:
            if self._requests.level(now) < 1:
                raise _refusal("requests", self._requests, self._requests.seconds_until(1, now))
            self._requests.take(1, now)

    def charge(self, tokens: int) -> None:
        """Take what an answer cost."""
        now = self._clock()
        for bucket in self._tokens:
            bucket.take(tokens, now)

    def headers(self) -> list[tuple[bytes, bytes]]:
        """OpenAI's headers; of two budgets of tokens the one that has less left."""
        now = self._clock()
        shown: list[tuple[bytes, bytes]] = []
        if self._requests is not None:
            shown += _headers(b"requests", self._requests, now)
        if self._tokens:
            shown += _headers(b"tokens", min(self._tokens, key=lambda b: b.level(now)), now)
        return shown


class Limiter:
    """The budgets of all callers that have limits, by their names."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._budgets: dict[str, Budget] = {}

    def budget(self, name: str, limits: Limits) -> Budget | None:
        """The budget of a caller, a fresh one where its limits have changed; None without limits."""
        if not limits.exist:
            return None
        budget = self._budgets.get(name)
        if budget is None or budget.limits != limits:
            budget = self._budgets[name] = Budget(limits, self._clock)
        return budget


def _refusal(kind: Kind, bucket: Bucket, seconds: float) -> RateLimited:
    return RateLimited(
        f"Rate limit reached for {kind}: {bucket.size} a {bucket.period}. "
        f"Please try again in {_duration(seconds)}.",
        kind=kind,
        seconds=seconds,
    )


def _headers(kind: bytes, bucket: Bucket, now: float) -> list[tuple[bytes, bytes]]:
    left = max(0, math.floor(bucket.level(now)))
    full = _duration(bucket.seconds_until(bucket.size, now))
    return [
        (b"x-ratelimit-limit-" + kind, b"%d" % bucket.size),
        (b"x-ratelimit-remaining-" + kind, b"%d" % left),
        (b"x-ratelimit-reset-" + kind, full.encode()),
    ]


def _duration(seconds: float) -> str:
    """As OpenAI writes it: 120ms, 59s, 6m0s, 1h30m0s."""
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    minutes, left = divmod(math.ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    shown = f"{left}s" if not minutes and not hours else f"{minutes}m{left}s"
    return f"{hours}h{shown}" if hours else shown
