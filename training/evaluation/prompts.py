"""The prompts that two policies are compared on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from contract.errors import ConfigurationError
from contract.files import problem_of
from contract.verdict import ResponseType
from rbrm.answer import Question
from text.language import reply_language

Row = TypeVar("Row", bound=BaseModel)

_WORDING = {
    "en": (
        "You answer questions from passages of documents. After each claim, put the number of its passage "
        "in square brackets, like [1]. If the passages do not hold the answer, say so.",
        "Passages:",
        "Final question:",
    ),
    "zh": (
        "请根据文档材料回答问题。每个论断之后用方括号标出材料编号，例如 [1]。如果材料中没有答案，请如实说明。",
        "相关材料：",
        "最后的问题：",
    ),
}


class _Row(BaseModel):
    """A line: what a `grpo` export has, or only a question. Other columns are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str | int | None = None
    group: str | None = None
    prompt: list[dict[str, Any]] | None = None
    question: str | None = None
    previous: str = ""
    passages: list[str] = []
    cited: list[str] = []
    reference: str | None = None
    response_type: ResponseType | None = None

    @model_validator(mode="after")
    def _asks(self) -> _Row:
        if self.question is None and not self.prompt:
            raise ValueError("a line needs `prompt` (messages) or `question`")
        if any("role" not in m or "content" not in m for m in self.prompt or ()):
            raise ValueError("each message of `prompt` needs a role and content")
        return self


@dataclass(frozen=True, slots=True)
class EvaluationPrompt:
    """One prompt.

    Attributes:
        key: SHA-256 of what the policy is sent; two lines with the same one are the same prompt.
        messages: what a policy is sent that does not look up passages itself.
        question: what the user asked; `previous` is what the assistant had said before.
        cited: those of the passages that a good answer cites; empty where nobody said.
        reference: a right answer; empty where there is none.
    """

    id: str
    key: str
    messages: tuple[dict[str, Any], ...]
    question: str
    previous: str
    passages: tuple[str, ...]
    cited: tuple[str, ...]
    reference: str
    response_type: ResponseType | None

    @property
    def language(self) -> str:
        """`en` or `zh`."""
        return reply_language(self.question)

    def for_judge(self, passages: Sequence[str] | None = None) -> Question:
        """What its answers are judged against; other passages where a policy looked up its own."""
        shown = self.passages if passages is None else tuple(passages)
        return Question(self.question, shown, self.response_type, previous=self.previous)

    def for_service(self) -> list[dict[str, Any]]:
        """What a server is sent that looks up passages itself: the talk before, and the bare question."""
        before = [m for m in self.messages[:-1] if m["role"] not in ("system", "developer")]
        return [*before, {"role": "user", "content": self.question}]


def read_prompts(path: Path, limit: int | None = None) -> list[EvaluationPrompt]:
    """The prompts of a file, in order; one that comes again is left out, since it says nothing new.

    Raises:
        ConfigurationError: the file can't be read, a line is no prompt, or an id names two prompts.
    """
    found: dict[str, EvaluationPrompt] = {}
    names: set[str] = set()
    for place, row in read_rows(path, _Row):
        prompt = _prompt(row)
        if prompt.key in found:
            continue
        if prompt.id in names:
            raise ConfigurationError(f"{place}: the id {prompt.id!r} names two prompts.")
        names.add(prompt.id)
        found[prompt.key] = prompt
        if limit is not None and len(found) == limit:
            break
    if not found:
        raise ConfigurationError(f"There is no prompt in {path}.")
    return list(found.values())


def read_rows(path: Path, kind: type[Row]) -> list[tuple[str, Row]]:
    """The lines of a file with their places, blank ones left out.

    Raises:
        ConfigurationError: the file can't be read, or a line is something else.
    """
    rows = []
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} can't be read: {error}") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            rows.append((f"{path}:{number}", kind.model_validate_json(line)))
        except ValidationError as error:
            raise ConfigurationError(f"{path}:{number}: {problem_of(error)}") from error
    return rows


def digest_of(prompts: Sequence[EvaluationPrompt]) -> str:
    """SHA-256 over the prompts and what is known of their answers."""
    digest = hashlib.sha256()
    for p in prompts:
        known = [p.key, p.question, p.previous, p.passages, p.cited, p.reference, p.response_type]
        digest.update(orjson.dumps(known) + b"\n")
    return digest.hexdigest()


def _prompt(row: _Row) -> EvaluationPrompt:
    messages = tuple(row.prompt or _messages(row))
    key = hashlib.sha256(orjson.dumps(messages, option=orjson.OPT_SORT_KEYS)).hexdigest()
    given = row.id if row.id is not None else row.group
    return EvaluationPrompt(
        id=key[:12] if given is None else str(given),
        key=key,
        messages=messages,
        question=row.question if row.question is not None else _last_question(messages),
        previous=row.previous,
        passages=tuple(row.passages),
        cited=tuple(row.cited),
        reference=row.reference or "",
        response_type=row.response_type,
    )


def _messages(row: _Row) -> list[dict[str, Any]]:
    """The prompt for a bare question."""
    question = row.question or ""
    if not row.passages:
        return [{"role": "user", "content": question}]
    instructions, passages, asked = _WORDING[reply_language(question)]
    shown = [f"[{number}] {text}" for number, text in enumerate(row.passages, 1)]
    parts = [passages, *shown, f"{asked}\n{question}"]
    return [
        {"role": "system", "content": instructions},
        {"role": "user", "content": "\n\n".join(parts)},
    ]


def _last_question(messages: Sequence[dict[str, Any]]) -> str:
    said = [str(m["content"]) for m in messages if m["role"] == "user"]
    return said[-1] if said else ""
