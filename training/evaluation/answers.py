"""The answers of one policy to all prompts: read from a file, out of the cache, or generated."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict

from contract.errors import ConfigurationError
from contract.progress import Progress
from contract.weights import weights_digest
from training.evaluation.prompts import EvaluationPrompt, digest_of, read_rows
from training.evaluation.sampling import Reply, Sampling
from training.evaluation.served import ServedPolicy
from training.evaluation.sides import Contender

_NAMED = 3  # prompts that an error names


class _Given(BaseModel):
    """A line of answers made before."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    answer: str
    id: str | int | None = None
    prompt: str | list[dict[str, Any]] | None = None
    passages: list[str] | None = None


class Cache:
    """Answers by prompt, in a file that grows line by line; a line cut off by a kill counts as none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.known: dict[str, Reply] = {}
        if not path.exists():
            return
        content = path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            path.write_bytes(whole)
        try:
            rows = [orjson.loads(line) for line in whole.splitlines()]
            self.known = {row["key"]: _reply(row["answer"], row["passages"]) for row in rows}
        except (ValueError, LookupError, TypeError) as error:
            raise ConfigurationError(
                f"The cached answers {path} are damaged ({error}). Delete the file, or give --fresh."
            ) from error

    def add(self, prompt: EvaluationPrompt, reply: Reply) -> None:
        """Keep an answer."""
        row = {"key": prompt.key, "id": prompt.id, "answer": reply.text, "passages": reply.passages}
        with self._path.open("ab") as file:
            file.write(orjson.dumps(row) + b"\n")
        self.known[prompt.key] = reply

    def missing(self, prompts: Sequence[EvaluationPrompt]) -> list[EvaluationPrompt]:
        """The prompts that have no answer yet."""
        return [prompt for prompt in prompts if prompt.key not in self.known]


class Answering:
    """How contenders answer.

    Args:
        folder: of the cached answers.
        batch: prompts that a checkpoint answers together.
        fresh: whether answers are generated again although they are cached.
    """

    def __init__(
        self,
        folder: Path,
        sampling: Sampling,
        *,
        batch: int = 8,
        device: str = "auto",
        api_key: str | None = None,
        fresh: bool = False,
    ) -> None:
        self._folder, self._sampling = folder, sampling
        self._batch, self._device = batch, device
        self._api_key, self._fresh = api_key, fresh
        self._renewed: set[Path] = set()

    def answers(
        self, contender: Contender, prompts: Sequence[EvaluationPrompt], progress: Progress
    ) -> list[Reply]:
        """An answer to each prompt, in order.

        Raises:
            ConfigurationError: a prompt has none, or the policy can't be used.
            PolicyUnavailable: a server gave none; what it gave is kept.
        """
        if contender.answers is not None:
            return answers_given(contender.answers, prompts)
        if contender.kind == "url":
            found = self._served(contender, prompts, progress)
        else:
            found = self._generated(contender, prompts, progress)
        return [found[prompt.key] for prompt in prompts]

    def _served(
        self, contender: Contender, prompts: Sequence[EvaluationPrompt], progress: Progress
    ) -> Mapping[str, Reply]:
        policy = ServedPolicy(contender.url, contender.model, self._api_key)
        cache = self._cache(policy.digest)
        missing = cache.missing(prompts)
        left = len(missing)

        def keep(prompt: EvaluationPrompt, reply: Reply) -> None:
            nonlocal left
            left -= 1
            cache.add(prompt, reply)
            progress(f"asking {contender.name}", len(missing) - left, len(missing))

        if missing:
            policy.answer(missing, self._sampling, keep)
        return cache.known

    def _generated(
        self, contender: Contender, prompts: Sequence[EvaluationPrompt], progress: Progress
    ) -> Mapping[str, Reply]:
        digest = contender.digest
        if contender.adapter is not None:
            # The same adapter on another checkpoint is another policy.
            under = Path(contender.checkpoint)
            digest += weights_digest(under) if under.is_dir() else contender.checkpoint
        drawn_with = digest_of(prompts) if self._sampling.temperature > 0 else ""
        cache = self._cache(digest, self._batch, drawn_with)
        missing = cache.missing(prompts)
        if not missing:
            return cache.known
        # Late on purpose: it brings in torch.
        from training.evaluation.generate import LocalPolicy

        policy = LocalPolicy(contender, self._device)
        found = policy.answers(prompts, self._sampling, self._batch, frozenset(cache.known))
        for number, (prompt, reply) in enumerate(found, 1):
            cache.add(prompt, reply)
            progress(f"asking {contender.name}", number, len(missing))
        return cache.known

    def _cache(self, digest: str, *ways: Any) -> Cache:
        sampling = self._sampling
        made_by = [digest, sampling.temperature, sampling.max_tokens, *ways]
        if sampling.temperature > 0:
            made_by.append(sampling.seed)
        name = hashlib.sha256(orjson.dumps(made_by)).hexdigest()[:24]
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{name}.jsonl"
        if self._fresh and path not in self._renewed:
            path.unlink(missing_ok=True)
        self._renewed.add(path)
        return Cache(path)


def answers_given(path: Path, prompts: Sequence[EvaluationPrompt]) -> list[Reply]:
    """Answers from a file of {"id" or "prompt", "answer"}; `prompt` is the messages or the question.

    Raises:
        ConfigurationError: a line is none, or a prompt has no answer there, or two that differ.
    """
    found: dict[str, Reply] = {}
    for place, row in read_rows(path, _Given):
        if row.id is None and row.prompt is None:
            raise ConfigurationError(
                f"{place}: a line needs the `id` of a prompt, or the `prompt`."
            )
        reply = _reply(row.answer, row.passages)
        name = f"id {row.id}" if row.id is not None else f"prompt {_plain(row.prompt)}"
        if found.setdefault(name, reply) != reply:
            raise ConfigurationError(f"{place}: there is another answer to the same prompt above.")
    replies = [_find(found, prompt) for prompt in prompts]
    missing = [p.id for p, reply in zip(prompts, replies, strict=True) if reply is None]
    if missing:
        named = ", ".join(missing[:_NAMED])
        raise ConfigurationError(
            f"{path} has no answer to {len(missing)} of {len(prompts)} prompts ({named}). An answer names its "
            "prompt by `id`, or by `prompt`, the messages or the question."
        )
    return [reply for reply in replies if reply is not None]


def _reply(text: str, passages: Sequence[str] | None) -> Reply:
    return Reply(text, None if passages is None else tuple(passages))


def _find(found: Mapping[str, Reply], prompt: EvaluationPrompt) -> Reply | None:
    names = (
        f"id {prompt.id}",
        f"prompt {_plain(list(prompt.messages))}",
        f"prompt {prompt.question}",
    )
    return next((found[name] for name in names if name in found), None)


def _plain(prompt: str | list[dict[str, Any]] | None) -> str:
    if isinstance(prompt, str):
        return prompt
    return orjson.dumps(prompt, option=orjson.OPT_SORT_KEYS).decode()
