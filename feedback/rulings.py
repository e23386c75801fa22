"""What people ruled becomes what the judge is measured and taught with.

Several raters of one answer are heard proposition by proposition: the majority says whether it holds, and
where opinions are even nobody has said. Of one rater the last word counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

import orjson

from feedback.example import NEITHER, Row
from feedback.material import Material, Taught
from feedback.records import FeedbackRecord

# From this probability on the judge says yes.
_YES = 0.5

Said = TypeVar("Said", bool, str)


class Ruled(NamedTuple):
    """What people said of one answer, and the response type that it was judged by."""

    text: str
    propositions: dict[str, bool]
    completion_class: str | None
    response_type: str


def labelled(material: Material) -> list[Taught]:
    """The answers of a turn that were ruled on, as a line of `plumbline rubric agree`; for one proposition, as
    lines of `plumbline rubric train`."""
    found = _ruled(material)
    name = material.options.proposition
    if name is not None:
        question = material.turn.question
        return [
            ({"question": question, "answer": r.text, "label": r.propositions[name]}, NEITHER)
            for r in found
            if name in r.propositions
        ]
    if not found:
        return []
    turn = material.turn
    row: Row = {
        "id": turn.id,
        "messages": _asked(material),
        "passages": turn.passage_texts,
        "response_type": turn.response_type,
        "documents_hold_answer": turn.documents_hold_answer,
        "answers": [ruled.text for ruled in found],
        "labels": [_label(ruled) for ruled in found],
    }
    return [({name: value for name, value in row.items() if value is not None}, NEITHER)]


def ladder(material: Material) -> list[Taught]:
    """A turn whose answers have different classes by what people ruled, as a line of `plumbline rubric fit`."""
    rungs = [ruled for ruled in _ruled(material) if ruled.completion_class is not None]
    if len({ruled.completion_class for ruled in rungs}) < 2:
        return []
    row: Row = {
        "prompt": _asked(material),
        "response_type": rungs[0].response_type,
        "passages": material.turn.passage_texts,
        "answers": [{"class": ruled.completion_class, "text": ruled.text} for ruled in rungs],
    }
    return [(row | material.origin("human"), NEITHER)]


def _asked(material: Material) -> list[dict[str, str]]:
    """What the judge reads of a conversation: the question, and the answer before it."""
    turn = material.turn
    before = [{"role": "assistant", "content": turn.previous}] if turn.previous else []
    return [*before, {"role": "user", "content": turn.question}]


def _label(ruled: Ruled) -> dict[str, Any]:
    label: dict[str, Any] = {"propositions": ruled.propositions}
    if ruled.completion_class is not None:
        label["class"] = ruled.completion_class
    return label


def _ruled(material: Material) -> list[Ruled]:
    """Each answer on which there is a clear opinion, in the order of the candidates."""
    turn = material.turn
    judgements = {c.id: orjson.loads(c.judgement) for c in turn.candidates}
    served = next((c.id for c in turn.candidates if c.served), turn.id)
    rulings: dict[str, list[FeedbackRecord]] = {}
    for row in turn.feedback:
        if row.type == "ruling":
            named = row.body.get("candidate_id") or served
            rulings.setdefault(named, []).append(row)
    found = []
    for identifier in [c.id for c in turn.candidates] + [turn.id]:
        answer = material.named.get(identifier)
        if identifier not in rulings or answer is None:
            continue
        verdict = judgements.get(identifier, {})
        propositions, classes = _Votes[bool](), _Votes[str]()
        for row in rulings[identifier]:
            said, own_class = _opinion(row.body, verdict)
            voice = row.rater or row.id
            for name, holds in said.items():
                propositions.hear(name, voice, holds)
            if own_class is not None:
                classes.hear("class", voice, own_class)
        ruled = Ruled(
            answer.text,
            propositions.clear(),
            classes.clear().get("class"),
            next(iter(verdict.get("response_type") or ()), turn.response_type or "comply"),
        )
        if ruled.propositions or ruled.completion_class is not None:
            found.append(ruled)
    return found


def _opinion(
    body: Mapping[str, Any], verdict: Mapping[str, Any]
) -> tuple[dict[str, bool], str | None]:
    """What one ruling says; one that names nothing says what the judge said."""
    if body.get("propositions") is None and body.get("class") is None:
        judged = verdict.get("propositions") or {}
        return {name: p >= _YES for name, p in judged.items()}, verdict.get("class")
    return body.get("propositions") or {}, body.get("class")


class _Votes(Generic[Said]):
    """Who says what of which name; the last word of each counts."""

    def __init__(self) -> None:
        self._said: dict[str, dict[str, Said]] = {}

    def hear(self, name: str, voice: str, said: Said) -> None:
        self._said.setdefault(name, {})[voice] = said

    def clear(self) -> dict[str, Said]:
        """What most say of each name; nothing where no opinion leads."""
        return {
            name: winner
            for name, by in self._said.items()
            if (winner := _leading(by.values())) is not None
        }


def _leading(said: Iterable[Said]) -> Said | None:
    counts = Counter(said).most_common(2)
    tied = len(counts) == 2 and counts[0][1] == counts[1][1]
    return None if tied else counts[0][0]
