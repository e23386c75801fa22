"""Conversations and answers, in the shapes in which data sets have them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from contract.feedback import LONGEST_CORRECTION
from contract.files import problem_of
from contract.messages import Message

Conversation = list[dict[str, Any]]

_ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})
_KNOWN = frozenset({"role", "content", "name", "tool_calls", "tool_call_id"})

# A conversation as one text, as in Anthropic's helpful and harmless pairs.
_SPEAKER = re.compile(r"(?:\A\s*|\n\n)(Human|Assistant):")


class Unfit(ValueError):
    """A row that is no example; the message says why."""


def conversation(value: Any, column: str) -> Conversation:
    """What an answer answers: a text, or messages of which the last is the user's or a tool's."""
    if isinstance(value, str):
        spoken = transcript(value)
        if spoken is None:
            text_of(value, column)
            return [{"role": "user", "content": value}]
        messages = spoken
    else:
        messages = messages_of(value, column)
    if not messages or messages[-1]["role"] not in ("user", "tool"):
        raise Unfit(f"{column} must end with the user's message")
    if not any(message["role"] == "user" for message in messages):
        raise Unfit(f"{column} holds no message of the user")
    return messages


def split(messages: Sequence[dict[str, Any]], column: str) -> tuple[Conversation, str]:
    """A whole conversation as what was asked and the last answer to it."""
    if len(messages) < 2 or messages[-1]["role"] != "assistant":
        raise Unfit(f"{column} must end with an answer of the assistant")
    return conversation(list(messages[:-1]), column), text_of(messages[-1]["content"], column)


def answer(value: Any, column: str) -> str:
    """An answer: a text, or one message of the assistant."""
    if isinstance(value, dict):
        value = [value]
    if isinstance(value, list):
        messages = messages_of(value, column)
        if len(messages) != 1 or messages[0]["role"] != "assistant":
            raise Unfit(f"{column} must be a text, or one message of the assistant")
        value = messages[0]["content"]
    return text_of(value, column)


def messages_of(value: Any, column: str) -> Conversation:
    """Messages as OpenAI has them."""
    if not isinstance(value, list) or not value:
        raise Unfit(f"{column} must be a text or a list of messages")
    return [_message(message, f"{column}[{place}]") for place, message in enumerate(value)]


def transcript(text: str) -> Conversation | None:
    """The messages of a text that is a conversation; None where it is none."""
    parts = _SPEAKER.split(text)
    if len(parts) < 3 or parts[0].strip():
        return None
    roles = {"Human": "user", "Assistant": "assistant"}
    spoken = [
        {"role": roles[speaker], "content": said.strip()}
        for speaker, said in zip(parts[1::2], parts[2::2])
    ]
    if not spoken[-1]["content"]:
        spoken.pop()
    return spoken


def text_of(value: Any, column: str) -> str:
    """A text that says something, without blanks around it."""
    if not isinstance(value, str):
        raise Unfit(f"{column} must be a text")
    text = value.strip()
    if not text:
        raise Unfit(f"{column} is empty")
    if len(text) > LONGEST_CORRECTION:
        raise Unfit(f"{column} has more than {LONGEST_CORRECTION:,} characters")
    return text


def _message(value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unfit(f"{place} is no message")
    role, content = value.get("role"), value.get("content")
    plain = isinstance(content, str) and role in _ROLES and role != "tool"
    if plain and not value.get("tool_calls"):
        return {"role": role, "content": content}
    kept = {name: inner for name, inner in value.items() if name in _KNOWN and inner is not None}
    try:
        message = Message.model_validate(kept)
    except ValidationError as error:
        problem = problem_of(error).replace("Value error, ", "")
        raise Unfit(f"{place} is no message: {problem}") from error
    if message.images:
        raise Unfit(f"{place} holds a picture, and only texts can be imported")
    told = message.model_dump(mode="json", exclude_none=True)
    return told | {"content": message.text}
