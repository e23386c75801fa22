"""The wire types of `/v1/judge`, one line of `plumbline judge`."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from contract.messages import Message
from contract.verdict import ResponseType
from contract.wire import Body, Wire


class JudgePassage(Wire):
    """A passage that the answers may rest on; other keys of a log row are ignored."""

    text: str
    title: str = ""


class JudgeRequest(Body):
    """Either `prompt` + `completion` (one answer), or `messages` + `answers` (several)."""

    prompt: list[Message] | str | None = None
    completion: list[Message] | str | None = None
    messages: list[Message] | None = None
    answers: list[str] | None = Field(None, min_length=1, max_length=64)
    passages: list[JudgePassage | str] = Field(default_factory=list, max_length=100)
    response_type: ResponseType | None = None
    documents_hold_answer: bool | None = None
    id: Any = None

    @model_validator(mode="after")
    def _has_one_form(self) -> JudgeRequest:
        single, several = self.completion is not None, self.answers is not None
        if single == several:
            raise ValueError("give either prompt and completion, or messages and answers")
        if self.prompt is not None and self.messages is not None:
            raise ValueError("prompt and messages say the same thing; give one of them")
        return self

    @property
    def question(self) -> str:
        """The last user message, or an empty string."""
        if isinstance(self.prompt, str):
            return self.prompt
        turns = self.messages or self.prompt or []
        return next((m.text for m in reversed(turns) if m.role == "user"), "")

    @property
    def previous(self) -> str:
        """The assistant's turn before the last user message, or an empty string."""
        if isinstance(self.prompt, str):
            return ""
        turns = list(self.messages or self.prompt or [])
        while turns and turns[-1].role != "user":
            turns.pop()
        return next((m.text for m in reversed(turns) if m.role == "assistant"), "")

    @property
    def texts(self) -> list[str]:
        """The answers to judge."""
        if self.answers is not None:
            return self.answers
        if isinstance(self.completion, str):
            return [self.completion]
        return ["\n".join(message.text for message in self.completion or [])]

    @property
    def passage_texts(self) -> list[str]:
        """The passages as plain texts."""
        return [p if isinstance(p, str) else p.text for p in self.passages]
