"""The prompt: instructions, conversation so far, this turn's passages, the question.

The order serves the engine's prefix cache: what earlier turns computed stays a shared prefix, since
old passages are not repeated and new ones come last. Where the policy called tools to answer the question,
the calls and their results follow it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from contract.candidate import Prompt
from contract.messages import Message
from contract.passage import CLOSE, OPEN, Evidence, Passage
from server.wording import (
    DEFINITIONS_HEADING,
    HINT_HEADING,
    INSTRUCTIONS,
    NO_PASSAGES,
    PASSAGES_HEADING,
    QUESTION_HEADING,
    in_language,
)
from text.orders import INVISIBLE

_MARKS = re.compile(r"[<＜]{3,}|[>＞]{3,}")
# What chat templates take for the start of a turn.
_TURN = re.compile(
    r"<\|([^|<>]{1,40})\|>|<(/?)(s|bos|eos|start_of_turn|end_of_turn)>|\[(/?INST)\]", re.I
)

# Every mark and turn begins with one of these.
_SUSPICIOUS = re.compile(r"[<＜>＞\[]")

_SYSTEM_ROLES = ("system", "developer")


def build_prompt(
    messages: Sequence[Message],
    evidence: Evidence,
    *,
    grounded: bool = True,
    hint: str = "",
    rejected: Sequence[str] = (),
) -> Prompt:
    """Put the prompt together. All texts are joined, never used as templates.

    Args:
        messages: the conversation; the user's last message is the question.
        grounded: whether the answer is to come from the passages. If not, the messages go as they came.
        hint: why an earlier draft was not served.
        rejected: the drafts themselves, for policies that choose among fixed answers.
    """
    asked = max(i for i, m in enumerate(messages) if m.role == "user")
    question = messages[asked]
    parts = _grounding(evidence) if grounded else [question.text]
    if hint:
        parts.append(in_language(HINT_HEADING, evidence.language) + "\n" + hint)
    last = {"role": "user", "content": _with_images("\n\n".join(parts), question)}
    before, after = messages[:asked], messages[asked + 1 :]
    if not grounded:
        prompt = [*map(as_sent, before), last, *map(as_sent, after)]
        return Prompt(tuple(prompt), evidence, tuple(rejected))
    theirs = [m.text for m in messages if m.role in _SYSTEM_ROLES and m.text]
    own = in_language(INSTRUCTIONS, evidence.language)
    prompt = [
        {"role": "system", "content": "\n\n".join([own, *theirs])},
        *(as_sent(m) for m in before if m.role not in _SYSTEM_ROLES),
        last,
        *(as_sent(m) for m in after if m.role not in _SYSTEM_ROLES),
    ]
    return Prompt(tuple(prompt), evidence, tuple(rejected))


def as_sent(message: Message) -> dict[str, Any]:
    """A message in the form that model servers take; what only our replies hold is left out."""
    sent: dict[str, Any] = {"role": message.role, "content": _with_images(message.text, message)}
    if message.name:
        sent["name"] = message.name
    if message.tool_calls:
        sent["tool_calls"] = [call.model_dump() for call in message.tool_calls]
        sent["content"] = message.text or None
    if message.tool_call_id:
        sent["tool_call_id"] = message.tool_call_id
    return sent


def _with_images(text: str, message: Message) -> str | list[dict[str, Any]]:
    images = [part.model_dump(exclude_none=True) for part in message.images]
    return [{"type": "text", "text": text}, *images] if images else text


def _grounding(evidence: Evidence) -> list[str]:
    language = evidence.language
    return [
        in_language(PASSAGES_HEADING, language),
        *([_shown(p) for p in evidence.passages] or [in_language(NO_PASSAGES, language)]),
        *_explained(evidence),
        in_language(QUESTION_HEADING, language) + "\n" + evidence.question,
    ]


def _shown(passage: Passage) -> str:
    source = _as_data(passage.heading or passage.title)
    return f"{OPEN}\n[{passage.number}] ({source})\n{_as_data(passage.text)}\n{CLOSE}"


def _explained(evidence: Evidence) -> list[str]:
    if not evidence.definitions:
        return []
    lines = "\n".join(f"- {line}" for line in evidence.definitions)
    return [in_language(DEFINITIONS_HEADING, evidence.language) + "\n" + lines]


def _as_data(text: str) -> str:
    """A passage's text without what could end it early, open a turn, or hide from people."""
    if not text.isascii():
        text = INVISIBLE.sub("", text)
    if not _SUSPICIOUS.search(text):
        return text
    text = _MARKS.sub(lambda mark: " ".join(mark.group()), text)
    return _TURN.sub(lambda turn: "(" + turn.group().strip("<>[]|") + ")", text)
