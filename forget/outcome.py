"""What a forgetting did."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from feedback.forget import Found
from feedback.tombstones import Kind
from forget.proof import Proof

# What counts are called before people; nothing is said of what there was none of.
_WORDS = {
    "documents": "documents",
    "chunks": "chunks of them in the index",
    "uploads": "uploaded files",
    "turns": "turns",
    "candidates": "candidates in them",
    "feedback": "pieces of feedback on them",
    "feedback_given": "pieces of feedback on turns that stay, which keep their ratings only",
    "verified": "verified answers",
    "late_turns": "turns that were in flight and landed without their texts",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One forgetting, or what it would do.

    Attributes:
        tombstone: its id; None where nothing was done.
        counts: how much was erased, or would be.
        notes: what an operator should know beside that.
        stretches: pieces of what was erased, to search for.
        held: databases of which somebody still reads an older state.
        found: the turns and the feedback that it is about, by their ids.
    """

    kind: Kind
    tombstone: str | None
    counts: dict[str, int]
    notes: list[str] = field(default_factory=list)
    stretches: set[bytes] = field(default_factory=set)
    held: list[Path] = field(default_factory=list)
    found: Found = field(default_factory=Found)

    def to_wire(self, proof: Proof | None) -> dict[str, Any]:
        """The output of `forget --json`."""
        return {
            "kind": self.kind,
            "tombstone": self.tombstone,
            "counts": self.counts,
            "turns": self.found.turns,
            "feedback_given": self.found.feedback,
            "verified_answers": self.found.verified,
            "notes": self.notes,
            "held": [str(path) for path in self.held],
            "proof": proof and proof.to_wire(),
            "complete": proof is not None and not proof.remains and not self.held,
        }


def in_words(counts: dict[str, int]) -> str:
    """Counts as one line."""
    said = [f"{counts[name]} {words}" for name, words in _WORDS.items() if counts.get(name)]
    return ", ".join(said) or "nothing"
