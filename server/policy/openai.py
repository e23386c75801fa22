"""The policy behind an OpenAI-compatible URL."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from contract.candidate import Candidate, Piece, Prompt, Sampling
from contract.errors import ConfigurationError, PlumblineError, PolicyNotServed
from contract.model_server import ChatServer
from contract.settings import PolicySettings
from server.policy.choices import candidates_of, pieces

DEFAULT_CONTEXT_TOKENS = 8192

_log = logging.getLogger(__name__)


class OpenAIPolicy:
    """Samples candidates from a model server."""

    deterministic = False

    def __init__(self, server: ChatServer, settings: PolicySettings) -> None:
        self._server = server
        self._settings = settings
        self._model = settings.model
        self._context = settings.context_tokens
        self._is_asked = False
        self.version = settings.model or "unknown"

    async def generate(self, prompt: Prompt, n: int, sampling: Sampling) -> Sequence[Candidate]:
        """Sample `n` candidates in one request, so that they share the prompt's computation.

        A server that knows no `n` and answers one choice is asked again for the others.

        Raises:
            PolicyUnavailable: the server can't be reached or broke.
            RequestRejected: the server refused the request.
        """
        await self._find_model()
        found = await self._sample(self._body(prompt, sampling, n), sampling)
        if len(found) >= n:
            return found[:n]
        bodies = [
            self._body(prompt, _seeded_after(sampling, number), 1)
            for number in range(len(found), n)
        ]
        more = await asyncio.gather(
            *(self._sample(b, sampling) for b in bodies), return_exceptions=True
        )
        for result in more:
            if isinstance(result, PlumblineError):
                _log.warning("a further candidate could not be sampled: %s", result.message)
            elif isinstance(result, BaseException):
                raise result
            else:
                found += result
        return found

    async def stream(self, prompt: Prompt, sampling: Sampling) -> AsyncGenerator[Piece]:
        """One candidate while it is written.

        Raises:
            PolicyUnavailable: the server can't be reached, or broke off.
            RequestRejected: the server refused the request.
        """
        await self._find_model()
        body = self._body(prompt, sampling, 1) | {"stream_options": {"include_usage": True}}
        async with aclosing(self._server.stream(body, affinity=sampling.affinity)) as chunks:
            async for piece in pieces(chunks):
                yield piece

    async def context_tokens(self) -> int:
        """The setting, else what the server says (vLLM's `max_model_len`), else 8192."""
        if self._context is None:
            await self._find_model()
        return self._context or DEFAULT_CONTEXT_TOKENS

    async def check(self) -> None:
        """Ask the server for its models."""
        listed = [str(model.get("id")) for model in await self._server.models()]
        if self._model and listed and self._model not in listed:
            raise PolicyNotServed(
                f"The policy server {self._server.url} does not serve {self._model!r}, "
                f"but {', '.join(listed)}. Set policy.model."
            )

    def describe(self) -> dict[str, Any]:
        """Engine, address and model."""
        return {
            "engine": "openai",
            "url": self._server.url,
            "model": self._model,
            "version": self.version,
        }

    def under(self, model: str) -> OpenAIPolicy:
        """Another model of the same servers. It uses these connections, and this one closes them."""
        other = OpenAIPolicy(self._server, self._settings.model_copy(update={"model": model}))
        # A server tells no context of an adapter; whoever needs it asks this policy.
        other._is_asked = True
        return other

    async def close(self) -> None:
        """Close the connections."""
        await self._server.close()

    async def _find_model(self) -> None:
        """Learn model and context from the server once, where the settings do not say them."""
        if self._is_asked or (self._model and self._context):
            return
        try:
            models = await self._server.models()
        except PlumblineError:
            if self._model:
                return
            raise
        if self._model is None:
            if not models:
                raise ConfigurationError(
                    f"The policy server {self._server.url} lists no model. Set policy.model."
                )
            self._model = self.version = str(models[0]["id"])
        mine = next((m for m in models if m.get("id") == self._model), {})
        length = mine.get("max_model_len")
        self._context = self._context or (length if isinstance(length, int) else None)
        self._is_asked = True

    def _body(self, prompt: Prompt, sampling: Sampling, n: int) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._model,
            "messages": list(prompt.messages),
            "n": n if n > 1 else None,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": sampling.max_tokens,
            "stop": list(sampling.stop) or None,
            "seed": sampling.seed,
            "logprobs": sampling.logprobs or None,
        }
        return {k: v for k, v in (body | dict(sampling.extra)).items() if v is not None}

    async def _sample(self, body: Mapping[str, Any], sampling: Sampling) -> list[Candidate]:
        reply = await self._server.chat(body, affinity=sampling.affinity)
        return candidates_of(reply, self._server.url)


def _seeded_after(sampling: Sampling, number: int) -> Sampling:
    return sampling if sampling.seed is None else replace(sampling, seed=sampling.seed + number)
