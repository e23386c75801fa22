"""Answers of a policy behind an OpenAI-style URL; Plumbline itself is one, and looks up its own passages."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from contract.errors import ConfigurationError, PlumblineError, PolicyUnavailable
from contract.model_server import ModelServer
from training.evaluation.prompts import EvaluationPrompt
from training.evaluation.sampling import Reply, Sampling

_AT_ONCE = 8
_TIMEOUT_SECONDS = 300.0
# What a listing says anew each time, although nothing changed.
_FLEETING = ("created", "permission", "servers")

Keep = Callable[[EvaluationPrompt, Reply], None]


class ServedPolicy:
    """One model of a server.

    Args:
        url: base URL, ending in /v1.
        model: its id there; None takes the first that the server lists.

    Raises:
        PolicyUnavailable: the server can't be reached.
        ConfigurationError: it lists no such model.
    """

    def __init__(self, url: str, model: str | None, api_key: str | None) -> None:
        self._url, self._key = url, api_key
        listed = asyncio.run(self._models())
        found = next((m for m in listed if model in (None, m.get("id"))), None)
        if found is None:
            known = ", ".join(str(m.get("id")) for m in listed) or "nothing"
            raise ConfigurationError(f"The server {url} does not serve {model!r}, but {known}.")
        self.model = str(found["id"])
        self._is_plumbline = found.get("owned_by") == "plumbline"
        self.listing = _lasting(found)

    @property
    def digest(self) -> str:
        """What the server says of the model: answers that were cached belong to it as long as that stays."""
        said = [self._url, self.listing]
        return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()

    def answer(self, prompts: Sequence[EvaluationPrompt], sampling: Sampling, keep: Keep) -> None:
        """Ask for all answers, some at once, and hand each on as it comes.

        Raises:
            PolicyUnavailable: a prompt got no answer; those of the others were handed on.
        """
        failed = asyncio.run(self._answer(prompts, sampling, keep))
        if failed:
            raise PolicyUnavailable(
                f"{len(failed)} of {len(prompts)} prompts got no answer from {self._url}: {failed[0]} The "
                "others are kept; run the same command again."
            )

    async def _answer(
        self, prompts: Sequence[EvaluationPrompt], sampling: Sampling, keep: Keep
    ) -> list[str]:
        server = ModelServer(self._url, api_key=self._key, timeout_seconds=_TIMEOUT_SECONDS)
        free, failed = asyncio.Semaphore(_AT_ONCE), list[str]()

        async def one(prompt: EvaluationPrompt) -> None:
            async with free:
                try:
                    keep(prompt, _reply(await server.chat(self._body(prompt, sampling))))
                except PlumblineError as error:
                    failed.append(f"{prompt.id}: {error.message}")

        try:
            await asyncio.gather(*(one(prompt) for prompt in prompts))
        finally:
            await server.close()
        return failed

    def _body(self, prompt: EvaluationPrompt, sampling: Sampling) -> dict[str, Any]:
        messages = prompt.for_service() if self._is_plumbline else list(prompt.messages)
        return {
            "model": self.model,
            "messages": messages,
            "temperature": sampling.temperature,
            "max_tokens": sampling.max_tokens,
            "seed": sampling.seed,
        }

    async def _models(self) -> list[dict[str, Any]]:
        server = ModelServer(self._url, api_key=self._key)
        try:
            return await server.models()
        finally:
            await server.close()


def _reply(reply: dict[str, Any]) -> Reply:
    try:
        text = str(reply["choices"][0]["message"]["content"] or "")
    except (LookupError, TypeError) as error:
        raise PolicyUnavailable("The reply holds no answer.") from error
    own = reply.get("plumbline")
    if not isinstance(own, dict) or "passages" not in own:
        return Reply(text)
    return Reply(text, tuple(str(p["text"]) for p in own["passages"]))


def _lasting(listing: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in listing.items() if name not in _FLEETING}
    own = kept.get("plumbline")
    if isinstance(own, dict):
        kept["plumbline"] = {n: v for n, v in own.items() if n not in _FLEETING}
    return kept
