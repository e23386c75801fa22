"""The prompt: instructions, conversation so far, this turn's passages, the question.

The order serves the engine's prefix cache: what earlier turns computed stays a shared prefix, since
old passages are not repeated and new ones come last.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from contract.candidate import Prompt
from contract.chat import Message
from contract.passage import Evidence, Passage
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

# A passage stands between marks that its own text can't hold.
_OPEN, _CLOSE = "<<<", ">>>"
_MARKS = re.compile(r"[<＜]{3,}|[>＞]{3,}")
# What chat templates take for the start of a turn.
_TURN = re.compile(
    r"<\|([^|<>]{1,40})\|>|<(/?)(s|bos|eos|start_of_turn|end_of_turn)>|\[(/?INST)\]", re.I
)

_SYSTEM_ROLES = ("system", "developer")


def build_prompt(
    messages: Sequence[Message],
    evidence: Evidence,
    *,
    hint: str = "",
    rejected: Sequence[str] = (),
) -> Prompt:
    """Put the prompt together. All texts are joined, never used as templates.

    Args:
        messages: the conversation; its last message is the question.
        hint: why an earlier draft was not served.
        rejected: the drafts themselves, for policies that choose among fixed answers.
    """
    language = evidence.language
    own = in_language(INSTRUCTIONS, language)
    theirs = [m.text for m in messages if m.role in _SYSTEM_ROLES and m.text]
    history = [
        {"role": m.role, "content": m.text} for m in messages[:-1] if m.role not in _SYSTEM_ROLES
    ]
    parts = [
        in_language(PASSAGES_HEADING, language),
        *([_shown(p) for p in evidence.passages] or [in_language(NO_PASSAGES, language)]),
        *_explained(evidence),
        in_language(QUESTION_HEADING, language) + "\n" + evidence.question,
    ]
    if hint:
        parts.append(in_language(HINT_HEADING, language) + "\n" + hint)
    prompt = [
        {"role": "system", "content": "\n\n".join([own, *theirs])},
        *history,
        {"role": "user", "content": "\n\n".join(parts)},
    ]
    return Prompt(tuple(prompt), evidence, tuple(rejected))


def _shown(passage: Passage) -> str:
    source = _as_data(passage.heading or passage.title)
    return f"{_OPEN}\n[{passage.number}] ({source})\n{_as_data(passage.text)}\n{_CLOSE}"


def _explained(evidence: Evidence) -> list[str]:
    if not evidence.definitions:
        return []
    lines = "\n".join(f"- {line}" for line in evidence.definitions)
    return [in_language(DEFINITIONS_HEADING, evidence.language) + "\n" + lines]


def _as_data(text: str) -> str:
    """A passage's text without what could end it early, open a turn, or hide from people."""
    text = _MARKS.sub(lambda mark: " ".join(mark.group()), INVISIBLE.sub("", text))
    return _TURN.sub(lambda turn: "(" + turn.group().strip("<>[]|") + ")", text)
