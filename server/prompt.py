"""The prompt: instructions, conversation so far, this turn's passages, the question.

The order serves the engine's prefix cache: what earlier turns computed stays a shared prefix, since
old passages are not repeated and new ones come last.
"""

from __future__ import annotations

from collections.abc import Sequence

from contract.candidate import Prompt
from contract.chat import Message
from contract.passage import Evidence, Passage
from server.wording import (
    HINT_HEADING,
    INSTRUCTIONS,
    NO_PASSAGES,
    PASSAGES_HEADING,
    QUESTION_HEADING,
    in_language,
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
    source = passage.heading or passage.title
    return f"[{passage.number}] ({source})\n{passage.text}"
