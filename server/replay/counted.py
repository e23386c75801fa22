"""A policy that is asked by a few turns at a time, and keeps count of what that costs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from contract.candidate import Candidate, Piece, Policy, Prompt, Sampling


@dataclass(slots=True)
class Cost:
    """Requests to the policy with what they took; tokens by the policy's own count, where it gives one."""

    requests: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0

    def to_wire(self) -> dict[str, Any]:
        """As it stands in a summary; seconds are those of all requests together."""
        return asdict(self) | {"seconds": round(self.seconds, 3)}


class CountedPolicy:
    """Another policy, never asked more than `concurrency` times at once."""

    def __init__(self, policy: Policy, concurrency: int) -> None:
        self._policy = policy
        self._free = asyncio.Semaphore(concurrency)
        self.deterministic = policy.deterministic
        self.cost = Cost()

    @property
    def version(self) -> str:
        """The other one's; it may learn it with the first request."""
        return self._policy.version

    @version.setter
    def version(self, version: str) -> None:
        self._policy.version = version

    async def generate(self, prompt: Prompt, n: int, sampling: Sampling) -> Sequence[Candidate]:
        """Candidates of the other one.

        Raises:
            PolicyUnavailable, RequestRejected: as it does.
        """
        async with self._free:
            self.cost.requests += 1
            started = time.perf_counter()
            try:
                found = await self._policy.generate(prompt, n, sampling)
            except BaseException:
                self.cost.failed += 1
                raise
            finally:
                self.cost.seconds += time.perf_counter() - started
        self.cost.prompt_tokens += max((c.prompt_tokens or 0 for c in found), default=0)
        self.cost.completion_tokens += sum(c.completion_tokens or 0 for c in found)
        return found

    def stream(self, prompt: Prompt, sampling: Sampling) -> AsyncGenerator[Piece]:
        """Not counted: nothing is streamed in a replay."""
        return self._policy.stream(prompt, sampling)

    async def context_tokens(self) -> int:
        """How many tokens prompt and answer may have together."""
        return await self._policy.context_tokens()

    async def check(self) -> None:
        """Return when the policy can answer."""
        await self._policy.check()

    def describe(self) -> dict[str, Any]:
        """What it is."""
        return self._policy.describe()

    async def close(self) -> None:
        """Free connections."""
        await self._policy.close()
