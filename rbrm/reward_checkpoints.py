"""Reward models that are checkpoints: in this process, or behind a vLLM pooling server.

Both give the raw scalar of a sequence-classification head with one label, over the conversation in the
checkpoint's own chat template, so the same checkpoint gives the same reward in either place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import orjson

from contract.errors import ConfigurationError, JudgeUnavailable
from rbrm.answer import Answer, Question
from rbrm.reading import ReadBatch

_AT_ONCE = 8


class TransformersRewardModel:
    """Any sequence-classification checkpoint with one label, in this process.

    Args:
        name: a folder or a hub's name; weights must be safetensors.
        mean, deviation: of its raw rewards over reference answers; rewards are scaled by them.
    """

    remote = False

    def __init__(self, name: str, mean: float = 0.0, deviation: float = 1.0) -> None:
        self.name = name
        self._mean, self._deviation = mean, deviation

    @property
    def version(self) -> str:
        """What stands in the log."""
        return Path(self.name).name

    def load(self) -> None:
        """Load the weights now.

        Raises:
            ConfigurationError: it can't be loaded, or is no reward model.
        """
        labels = self._parts[1].config.num_labels
        if labels != 1:
            raise ConfigurationError(
                f"The checkpoint {self.name} has {labels} labels; a reward model has one."
            )

    def score(
        self, question: Question, answers: Sequence[Answer], batch: ReadBatch
    ) -> Sequence[float]:
        """One reward for each answer."""
        return [self.reward(conversation(question, answer.text)) for answer in answers]

    def reward(self, messages: Sequence[Mapping[str, str]]) -> float:
        """The reward of a conversation that ends with an answer."""
        import torch

        tokenizer, model = self._parts
        tokens = tokenizer.apply_chat_template(
            list(messages), return_tensors="pt", return_dict=True, truncation=True
        )
        with torch.inference_mode():
            logit = float(model(**tokens.to(model.device)).logits[0, 0])
        return (logit - self._mean) / self._deviation

    def close(self) -> None:
        """Nothing is held open."""

    @cached_property
    def _parts(self) -> tuple[Any, Any]:
        # Late on purpose: only this reward model needs it, and importing it takes seconds.
        import torch
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        try:
            tokenizer = AutoTokenizer.from_pretrained(self.name)
            model = AutoModelForSequenceClassification.from_pretrained(
                self.name, use_safetensors=True, dtype=torch.float32
            )
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"The reward model {self.name} can't be loaded: {error}"
            ) from error
        if tokenizer.chat_template is None:
            raise ConfigurationError(f"The reward model {self.name} has no chat template.")
        model.eval().to("cuda" if torch.cuda.is_available() else "cpu")
        return tokenizer, model


class VllmRewardModel:
    """A reward model behind `vllm serve … --runner pooling`.

    Args:
        url: the server's root, such as http://127.0.0.1:8002.
        model: its id there; None takes the first that it lists.
        api_key: bearer token.
    """

    remote = True

    def __init__(
        self,
        url: str,
        model: str | None = None,
        *,
        mean: float = 0.0,
        deviation: float = 1.0,
        timeout_seconds: float = 10.0,
        api_key: str | None = None,
    ) -> None:
        self.url = url.rstrip("/").removesuffix("/v1")
        self._model = model
        self._mean, self._deviation = mean, deviation
        headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
        self._client = httpx.Client(headers=headers, timeout=timeout_seconds, trust_env=False)
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="reward-model")

    @property
    def version(self) -> str:
        """What stands in the log."""
        return str(self._model)

    def check(self) -> None:
        """Find the model and score one answer.

        Raises:
            ConfigurationError: the server can't be reached, or serves no reward model.
        """
        try:
            reply = self._client.get(self.url + "/v1/models").raise_for_status()
            listed = [str(model["id"]) for model in orjson.loads(reply.content)["data"]]
            self._model = self._model or listed[0]
            self._reward(conversation(Question("Is it ready?"), "Yes."))
        except (httpx.HTTPError, ValueError, LookupError, TypeError, JudgeUnavailable) as error:
            self.close()
            raise ConfigurationError(
                f"There is no reward model at judge.reward_url {self.url} ({error}). Start one with "
                "`vllm serve MODEL --runner pooling`."
            ) from error

    def score(
        self, question: Question, answers: Sequence[Answer], batch: ReadBatch
    ) -> Sequence[float]:
        """One reward for each answer, asked together.

        Raises:
            JudgeUnavailable: the server did not answer, or not with one number.
        """
        asked = [conversation(question, answer.text) for answer in answers]
        return list(self._threads.map(self._reward, asked))

    def close(self) -> None:
        """Close the connections."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._client.close()

    def _reward(self, messages: Sequence[Mapping[str, str]]) -> float:
        # vLLM applies a sigmoid unless told otherwise; a reward is the raw number.
        body = {"model": self._model, "messages": list(messages), "use_activation": False}
        try:
            response = self._client.post(
                self.url + "/classify",
                content=orjson.dumps(body),
                headers={"content-type": "application/json"},
            )
            response.raise_for_status()
            (probability,) = orjson.loads(response.content)["data"][0]["probs"]
            return (float(probability) - self._mean) / self._deviation
        except (httpx.HTTPError, ValueError, LookupError, TypeError) as error:
            raise JudgeUnavailable(
                f"the reward server {self.url} did not answer with one number ({error})"
            ) from error


def conversation(question: Question, answer: str) -> list[dict[str, str]]:
    """What a reward model reads: the last turns, and the answer."""
    before = [{"role": "assistant", "content": question.previous}] if question.previous else []
    return [
        *before,
        {"role": "user", "content": question.text},
        {"role": "assistant", "content": answer},
    ]
