"""A model server reads answers: how surprising each is, and what grade a model as a judge gives it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from contract.errors import ConfigurationError, PolicyUnavailable

_AT_A_TIME = 16
_SECONDS = 120.0
_INSTRUCTION = {
    "en": "Grade the answer to the question below from 1 (useless or wrong) to 5 (correct, complete, clear and "
    "harmless). Reply with one digit and nothing else.",
    "zh": "请给下面问题的回答打分，从 1（无用或错误）到 5（正确、完整、清楚、无害）。只回复一个数字。",
}
_GRADES = "12345"


class ModelReader:
    """Asks an OpenAI-compatible server; vLLM gives both figures.

    Args:
        url: with `/v1` at its end.
        model: its name there; None asks the server for the one that it has.

    Raises:
        ConfigurationError: the server lists no model.
        PolicyUnavailable: it can't be reached.
    """

    def __init__(self, url: str, model: str | None = None) -> None:
        self._url = url.rstrip("/")
        self._client = httpx.Client(timeout=_SECONDS, trust_env=False)
        self._model = model or self._first_model()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def perplexities(self, pairs: Sequence[tuple[str, str]]) -> list[float | None]:
        """Perplexity of each answer given its question; None for one without tokens of its own.

        Raises:
            PolicyUnavailable: the server can't be reached, or gives no log-probabilities of a prompt.
        """
        with ThreadPoolExecutor(_AT_A_TIME) as pool:
            return list(pool.map(self._perplexity, pairs))

    def grades(self, pairs: Sequence[tuple[str, str]], languages: Sequence[str]) -> list[float]:
        """A grade from 1 to 5 for each answer: the mean of the grades weighted by their probability, where the
        server gives it (Liu et al. 2023, G-Eval).

        Raises:
            PolicyUnavailable: the server can't be reached, or answers without a grade.
        """
        with ThreadPoolExecutor(_AT_A_TIME) as pool:
            return list(pool.map(self._grade, pairs, languages))

    def _perplexity(self, pair: tuple[str, str]) -> float | None:
        question, answer = (text.strip() for text in pair)
        prompt = f"{question}\n\n{answer}"
        body = {
            "model": self._model,
            "prompt": prompt,
            "max_tokens": 1,
            "echo": True,
            "logprobs": 1,
            "temperature": 0,
        }
        found = self._post("/completions", body)["choices"][0].get("logprobs") or {}
        values, offsets = found.get("token_logprobs"), found.get("text_offset")
        if not values or not offsets:
            raise PolicyUnavailable(
                f"The model server {self._url} gives no log-probabilities of a prompt (echo with logprobs), "
                "which perplexity needs. vLLM does."
            )
        begin, end = len(question) + 2, len(prompt)
        own = [v for v, at in zip(values, offsets) if v is not None and begin <= at < end]
        return math.exp(-sum(own) / len(own)) if own else None

    def _grade(self, pair: tuple[str, str], language: str) -> float:
        instruction = _INSTRUCTION.get(language, _INSTRUCTION["en"])
        content = "\n\n".join(
            [instruction, "<question>", pair[0], "</question>", "<answer>", pair[1], "</answer>"]
        )
        body = {
            "model": self._model,
            "messages": [{"role": "user", "content": content}],
            "max_tokens": 4,
            "temperature": 0,
            "logprobs": True,
            "top_logprobs": 20,
        }
        choice = self._post("/chat/completions", body)["choices"][0]
        for token in (choice.get("logprobs") or {}).get("content") or []:
            shares = {t["token"].strip(): math.exp(t["logprob"]) for t in token["top_logprobs"]}
            weights = [shares.get(grade, 0.0) for grade in _GRADES]
            if sum(weights) > 0 and (token["token"].strip() in _GRADES or sum(weights) > 0.5):
                return sum(i * w for i, w in enumerate(weights, 1)) / sum(weights)
        said = next((c for c in str(choice["message"].get("content") or "") if c in _GRADES), None)
        if said is None:
            raise PolicyUnavailable(
                f"The model {self._model!r} gave no grade from 1 to 5. Use one that follows instructions."
            )
        return float(said)

    def _first_model(self) -> str:
        models = self._send("GET", "/models", None).get("data") or []
        if not models:
            raise ConfigurationError(f"The model server {self._url} lists no model. Name one.")
        return str(models[0]["id"])

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._send("POST", path, body)

    def _send(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        try:
            response = self._client.request(method, self._url + path, json=body)
            response.raise_for_status()
            reply = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise PolicyUnavailable(
                f"The model server {self._url} can't be used ({type(error).__name__}: {error})."
            ) from error
        if not isinstance(reply, dict):
            raise PolicyUnavailable(f"The model server {self._url} answered something odd.")
        return reply
