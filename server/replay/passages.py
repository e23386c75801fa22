"""Which passages another index shows for a question that was asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from contract.passage import Passage
from server.replay.logged import Logged

Moved = tuple[Passage, Passage]


@dataclass(frozen=True, slots=True)
class PassageChanges:
    """A passage is the same where its text and the name of its file are.

    Attributes:
        gone, new: those of one side only.
        moved: those with another number in the prompt, before and after.
        cited_gone: those of the gone ones that the logged answer cited.
    """

    gone: Sequence[Passage]
    new: Sequence[Passage]
    moved: Sequence[Moved]
    cited_gone: Sequence[Passage]

    @property
    def any(self) -> bool:
        """Would the policy be shown anything else?"""
        return bool(self.gone or self.new or self.moved)

    def to_wire(self) -> dict[str, Any]:
        """As it stands in a line of flips."""
        return {
            "gone": [_shown(passage) for passage in self.gone],
            "new": [_shown(passage) for passage in self.new],
            "moved": [_shown(one) | {"now": other.number} for one, other in self.moved],
            "cited_gone": [passage.number for passage in self.cited_gone],
        }


def passage_changes(turn: Logged, found: Sequence[Passage]) -> PassageChanges:
    """Compare what was shown in a turn with what would be shown now."""
    shown = turn.evidence.passages
    now = {_key(passage): passage for passage in found}
    before = {_key(passage) for passage in shown}
    gone = [passage for passage in shown if _key(passage) not in now]
    cited = _cited(turn.record.reply)
    return PassageChanges(
        gone=gone,
        new=[passage for passage in found if _key(passage) not in before],
        moved=[
            (passage, other)
            for passage in shown
            if (other := now.get(_key(passage))) is not None and other.number != passage.number
        ],
        cited_gone=[passage for passage in gone if passage.url in cited],
    )


def _cited(reply: Mapping[str, Any]) -> set[str]:
    """The places that the logged answer cited."""
    messages = [choice.get("message") or {} for choice in reply.get("choices") or ()]
    marks = [mark for message in messages for mark in message.get("annotations") or ()]
    return {str(mark["url_citation"]["url"]) for mark in marks if "url_citation" in mark}


def _key(passage: Passage) -> tuple[str, str]:
    return PurePath(passage.document).name, passage.text


def _shown(passage: Passage) -> dict[str, Any]:
    return {
        "number": passage.number,
        "document": passage.document,
        "chunk": passage.ordinal,
        "text": passage.text,
    }
