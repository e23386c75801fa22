"""What a change turns over in one turn, and what caused it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from contract.verdict import Assessment, Verdict
from server.replay.judging import Judged
from server.replay.passages import PassageChanges
from server.replay.walk import Outcome

# Rewards that differ by less are the same: the log rounds to six digits, and batches to about as many.
_SAME_REWARD = 1e-4


@dataclass(frozen=True, slots=True)
class Replayed:
    """A turn before and after. `after` is None where only the passages were looked for anew."""

    judged: Judged
    before: Sequence[Outcome]
    after: Sequence[Outcome] | None
    passages: PassageChanges | None = None

    @property
    def id(self) -> str:
        """The id of the completion."""
        return self.judged.turn.id

    @property
    def pairs(self) -> list[tuple[Outcome, Outcome]]:
        """Each choice before and after."""
        return list(zip(self.before, self.after or ()))

    @property
    def changed(self) -> list[str]:
        """What flips: `decision`, `answer`, `class`, `reward` (the order of candidates by reward),
        `passages`."""
        found = [name for pair in self.pairs for name in _changed(*pair)]
        if self.judged.after is not None and _reordered(self.judged.before, self.judged.after):
            found.append("reward")
        if self.passages is not None and self.passages.any:
            found.append("passages")
        return list(dict.fromkeys(found))

    def to_line(self) -> dict[str, Any]:
        """A line of flips.jsonl."""
        record = self.judged.turn.record
        line: dict[str, Any] = {
            "id": record.id,
            "question": record.question,
            "language": record.language,
            "policy_version": record.policy_version,
            "changed": self.changed,
            "choices": [
                {
                    "choice": number,
                    "changed": _changed(before, after),
                    "before": before.to_wire(),
                    "after": after.to_wire(),
                }
                for number, (before, after) in enumerate(self.pairs)
            ],
            "propositions": self._propositions(),
        }
        if self.passages is not None:
            line["passages"] = self.passages.to_wire()
        return line

    def _propositions(self) -> list[dict[str, Any]]:
        """Of each candidate that both judged, or else of what each choice came to."""
        judged = self.judged
        if judged.after is not None:
            ids = [candidate.id for candidate in judged.turn.record.candidates]
            compared = list(zip(ids, judged.before, judged.after, strict=True))
        else:
            compared = [(b.candidate, b.judgement, a.judgement) for b, a in self.pairs]
        return [
            {"candidate": candidate} | change
            for candidate, before, after in compared
            for change in propositions_changed(before, after)
        ]


def propositions_changed(before: Assessment, after: Assessment) -> list[dict[str, Any]]:
    """The propositions that hold in one verdict only, with the sentence that decided it."""
    if not isinstance(before, Verdict) or not isinstance(after, Verdict):
        return []
    return [
        {
            "name": name,
            "before": _rounded(before.propositions.get(name)),
            "after": _rounded(after.propositions.get(name)),
            "sentence": after.evidence.get(name) or before.evidence.get(name) or None,
        }
        for name in sorted({*before.propositions, *after.propositions})
        if _holds(before, name) != _holds(after, name)
    ]


def _changed(before: Outcome, after: Outcome) -> list[str]:
    found = []
    if before.decision != after.decision:
        found.append("decision")
    if before.serves and after.serves and before.text != after.text:
        found.append("answer")
    if before.completion_class != after.completion_class:
        found.append("class")
    return found


def _reordered(before: Sequence[Assessment], after: Sequence[Assessment]) -> bool:
    """Does another candidate of two get the higher reward?"""
    rewards = [
        (b.reward, a.reward)
        for b, a in zip(before, after, strict=True)
        if isinstance(b, Verdict) and isinstance(a, Verdict)
    ]
    for (old, new), (other_old, other_new) in combinations(rewards, 2):
        was, becomes = old - other_old, new - other_new
        if min(abs(was), abs(becomes)) > _SAME_REWARD and (was > 0) != (becomes > 0):
            return True
    return False


def _holds(verdict: Verdict, name: str) -> bool:
    # As the log rounds: a verdict that was read from there must not differ from itself.
    return round(verdict.propositions.get(name, 0.0), 4) >= 0.5


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
