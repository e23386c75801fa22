"""Prompts of evaluations must not be trained on: near-duplicates of them are found, and long shared runs.

A run of 13 tokens in common is what Brown et al. 2020 (appendix C) take for contamination; of Han characters
it takes twice as many.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from contract.errors import ConfigurationError
from feedback.hygiene.normal import normal
from feedback.hygiene.request import Request, same_request
from feedback.hygiene.signatures import band_keys
from text.language import language_of

_RUN, _RUN_HAN = 13, 26


class EvaluationPrompts:
    """The prompts of evaluation files."""

    def __init__(self, prompts: Iterable[str]) -> None:
        self._requests: list[Request] = []
        self._bands: dict[int, list[int]] = {}
        self._runs: set[int] = set()
        for prompt in prompts:
            request = Request.of(prompt)
            number = len(self._requests)
            self._requests.append(request)
            for key in band_keys([" ".join(request.tokens)])[0].tolist():
                self._bands.setdefault(key, []).append(number)
            self._runs.update(_runs(request.tokens, prompt))

    def __len__(self) -> int:
        return len(self._requests)

    def hold(self, asked: str) -> bool:
        """Is this prompt, or a long part of it, one of theirs?"""
        if not self._requests:
            return False
        text = normal(asked)
        request = Request.of_normal(text)
        seen: set[int] = set()
        for key in band_keys([text])[0].tolist():
            for number in self._bands.get(key, ()):
                if number not in seen and same_request(request, self._requests[number]):
                    return True
                seen.add(number)
        return any(run in self._runs for run in _runs(request.tokens, asked))


def read_prompts(path: Path) -> Iterator[str]:
    """The prompts of a file: JSON lines with `question`, `prompt`, `messages` or `input`, else one a line.

    Raises:
        ConfigurationError: the file can't be read, or holds no prompts.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"The evaluation prompts {path} can't be read: {error}."
        ) from error
    found = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        prompt = _prompt_of(line) if path.suffix in (".jsonl", ".json") else line
        if prompt is None:
            raise ConfigurationError(
                f"{path}, line {number}: there is no prompt. Each line must be an object with `question`, "
                "`prompt`, `messages` or `input`."
            )
        found += 1
        yield prompt
    if not found:
        raise ConfigurationError(f"The evaluation prompts {path} are empty.")


def _prompt_of(line: str) -> str | None:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(value, dict):
        return None
    for name in ("question", "prompt", "messages", "input", "instruction"):
        if name in value:
            return _said(value[name])
    return None


def _said(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return _said(value.get("messages"))
    if isinstance(value, list):
        texts = [m.get("content") for m in value if isinstance(m, dict) and m.get("role") == "user"]
        return "\n".join(str(text) for text in texts) or None
    return None


def _runs(tokens: Sequence[str], text: str) -> Iterator[int]:
    size = _RUN_HAN if language_of(text) == "zh" else _RUN
    return (hash(tuple(tokens[i : i + size])) for i in range(len(tokens) - size + 1))
