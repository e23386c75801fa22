"""A promoted version of the policy: an adapter of the model that a URL serves."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any

from contract.candidate import Candidate, Piece, Prompt, Sampling
from contract.errors import PolicyNotServed
from server.policy.openai import OpenAIPolicy


class PromotedPolicy:
    """Asks the servers of another policy for an adapter by its name.

    A server that was started again has lost its adapters. It is given them anew, and asked once more.

    Args:
        base: the policy whose model it is an adapter of, and whose connections it uses.
        restore: gives every server its adapters.
    """

    deterministic = False

    def __init__(
        self, base: OpenAIPolicy, version: str, restore: Callable[[], Awaitable[None]]
    ) -> None:
        self._base = base
        self._asked = base.under(version)
        self._restore = restore
        self.version = version

    async def generate(self, prompt: Prompt, n: int, sampling: Sampling) -> Sequence[Candidate]:
        """As the base does."""
        try:
            return await self._asked.generate(prompt, n, sampling)
        except PolicyNotServed:
            await self._restore()
            return await self._asked.generate(prompt, n, sampling)

    async def stream(self, prompt: Prompt, sampling: Sampling) -> AsyncGenerator[Piece]:
        """As the base does; a server that lacks the adapter says so before the first piece."""
        try:
            async with aclosing(self._asked.stream(prompt, sampling)) as pieces:
                async for piece in pieces:
                    yield piece
            return
        except PolicyNotServed:
            await self._restore()
        async with aclosing(self._asked.stream(prompt, sampling)) as pieces:
            async for piece in pieces:
                yield piece

    async def context_tokens(self) -> int:
        """That of the base: servers tell none of an adapter."""
        return await self._base.context_tokens()

    async def check(self) -> None:
        """Is the adapter there?"""
        try:
            await self._asked.check()
        except PolicyNotServed:
            await self._restore()
            await self._asked.check()

    def describe(self) -> dict[str, Any]:
        """Engine, address and model."""
        return self._asked.describe()

    async def close(self) -> None:
        """The connections are the base's."""
