"""The policy behind an OpenAI-compatible URL."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from contract.candidate import Candidate, Prompt, Sampling
from contract.errors import ConfigurationError, PlumblineError, PolicyUnavailable
from contract.model_server import ModelServer
from contract.settings import PolicySettings

DEFAULT_CONTEXT_TOKENS = 8192

_log = logging.getLogger(__name__)


class OpenAIPolicy:
    """Samples candidates from a model server."""

    def __init__(self, server: ModelServer, settings: PolicySettings) -> None:
        self._server = server
        self._settings = settings
        self._model = settings.model
        self._context = settings.context_tokens
        self.version = settings.model or "unknown"

    async def generate(self, prompt: Prompt, n: int, sampling: Sampling) -> Sequence[Candidate]:
        """Sample the first candidate as the caller asked, the others with more variety.

        Where the others can't be had, the first still counts; without it, nothing does.

        Raises:
            PolicyUnavailable: the server can't be reached or broke.
            RequestRejected: the server refused the request.
        """
        await self._find_model()
        first = self._body(prompt, sampling, 1)
        if n == 1:
            return await self._sample(first)
        varied = self._body(prompt, sampling, n - 1) | {
            "temperature": self._settings.temperature,
            "top_p": self._settings.top_p,
        }
        if sampling.seed is not None:
            varied["seed"] = sampling.seed + sampling.offset + 1
        results = await asyncio.gather(
            self._sample(first), self._sample(varied), return_exceptions=True
        )
        if isinstance(results[0], BaseException):
            raise results[0]
        others: Sequence[Candidate] = ()
        if isinstance(results[1], PlumblineError):
            _log.warning("further candidates could not be sampled: %s", results[1].message)
        elif isinstance(results[1], BaseException):
            raise results[1]
        else:
            others = results[1]
        different = {
            candidate.text.strip(): candidate for candidate in [*reversed(others), *results[0]]
        }
        return list(reversed(different.values()))

    async def context_tokens(self) -> int:
        """The setting, else what the server says (vLLM's `max_model_len`), else 8192."""
        if self._context is None:
            await self._find_model()
        return self._context or DEFAULT_CONTEXT_TOKENS

    async def check(self) -> None:
        """Ask the server for its models."""
        listed = [str(model.get("id")) for model in await self._server.models()]
        if self._model and listed and self._model not in listed:
            raise PolicyUnavailable(
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

    async def close(self) -> None:
        """Close the connections."""
        await self._server.close()

    async def _find_model(self) -> None:
        """Learn model and context from the server once, where the settings do not say them."""
        if self._model and self._context:
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

    def _body(self, prompt: Prompt, sampling: Sampling, n: int) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._model,
            "messages": list(prompt.messages),
            "n": n,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": sampling.max_tokens,
            "stop": list(sampling.stop) or None,
            "seed": None if sampling.seed is None else sampling.seed + sampling.offset,
        }
        if n == 1:
            del body["n"]
        return {k: v for k, v in (body | dict(sampling.extra)).items() if v is not None}

    async def _sample(self, body: Mapping[str, Any]) -> list[Candidate]:
        reply = await self._server.chat(body)
        usage = reply.get("usage")
        usage = usage if isinstance(usage, dict) else {}
        choices = reply.get("choices")
        if not isinstance(choices, list) or not choices:
            raise PolicyUnavailable(f"The policy server {self._server.url} answered no choices.")
        if not all(isinstance(choice, dict) for choice in choices):
            raise PolicyUnavailable(f"The policy server {self._server.url} answered odd choices.")
        return [_candidate(choice, usage, len(choices)) for choice in choices]


def _candidate(choice: Mapping[str, Any], usage: Mapping[str, Any], choices: int) -> Candidate:
    message = choice.get("message")
    if not isinstance(message, dict):
        raise PolicyUnavailable("The policy server answered a choice without a message.")
    text = message.get("content") or message.get("refusal") or ""
    if isinstance(text, list):
        text = "".join(str(part.get("text", "")) for part in text if isinstance(part, dict))
    prompt_tokens, completion_tokens = usage.get("prompt_tokens"), usage.get("completion_tokens")
    return Candidate(
        text=str(text),
        finish_reason=str(choice.get("finish_reason") or "stop"),
        prompt_tokens=prompt_tokens if isinstance(prompt_tokens, int) else None,
        # The usage of several choices is their sum; an even share is the best there is.
        completion_tokens=completion_tokens // choices
        if isinstance(completion_tokens, int)
        else None,
    )
