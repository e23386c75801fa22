"""Preferences become pairs: which text of a turn was preferred to which, and who says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from contract.feedback import places_of
from contract.verdict import ACCEPTABLE
from feedback.records import CandidateRecord, CompletionRecord, FeedbackRecord

Source = Literal["human", "judge"]


@dataclass(frozen=True, slots=True)
class Pair:
    """A preferred and a rejected answer to one prompt.

    Attributes:
        weight: share of its prompt's group; all C(K, 2) pairs of a ranking sum to 1 (Ouyang et al.
            2022, equation 1).
        margin: difference of the judge's rewards, None where one is unknown.
    """

    chosen: str
    rejected: str
    source: Source
    kind: str
    weight: float
    margin: float | None
    rater: str | None


@dataclass(frozen=True, slots=True)
class Text:
    """An answer that feedback can name."""

    text: str
    reward: float | None


def texts_of(record: CompletionRecord) -> dict[str, Text]:
    """Everything of a turn that has an id: its candidates, and what was served under its own id."""
    named = {c.id: Text(c.text, c.reward) for c in record.candidates}
    served = next((c for c in record.candidates if c.served), None)
    if served is not None:
        named[record.id] = Text(served.text, served.reward)
    elif record.reply.get("choices"):
        named[record.id] = Text(record.reply["choices"][0]["message"]["content"], None)
    return named


def human_pairs(
    record: CompletionRecord, feedback: Sequence[FeedbackRecord], named: Mapping[str, Text]
) -> Iterator[Pair]:
    """The pairs in what people said of one turn. Feedback that names unknown ids gives none."""
    for row in feedback:
        body = row.body
        if row.type == "pair":
            ids = [body["preferred_id"], body["rejected_id"]]
            yield from _ranked([[named.get(i)] for i in ids], "pair", row.rater)
        elif row.type == "ranking":
            places = [[named.get(i) for i in place] for place in places_of(body["ranking"])]
            yield from _ranked(places, "ranking", row.rater)
        elif row.type == "correction":
            wrong = named.get(body.get("candidate_id") or record.id)
            right = Text(body["correction"], None)
            yield from _ranked([[right], [wrong]], "correction", row.rater)


def judge_pairs(record: CompletionRecord, min_margin: float) -> Iterator[Pair]:
    """Best acceptable candidate against the worst of the same prompt, where the judge's rewards are
    clearly apart."""
    groups: dict[int, list[CandidateRecord]] = {}
    for candidate in record.candidates:
        # A later attempt answers a prompt with a hint in it, which the exported prompt has not.
        if candidate.reward is not None and candidate.attempt == 0:
            groups.setdefault(candidate.choice, []).append(candidate)
    for group in groups.values():
        good = [c for c in group if _may_be_served(c)]
        if not good:
            continue
        best = max(good, key=lambda c: (c.reward or 0.0, c.text))
        worst = min(group, key=lambda c: (c.reward or 0.0, c.text))
        margin = (best.reward or 0.0) - (worst.reward or 0.0)
        if margin >= min_margin and best.text != worst.text:
            yield Pair(best.text, worst.text, "judge", "reward", 1.0, margin, None)


def _may_be_served(candidate: CandidateRecord) -> bool:
    return candidate.completion_class in ACCEPTABLE and not candidate.judgement.get("violations")


def _ranked(
    places: Sequence[Sequence[Text | None]], kind: str, rater: str | None
) -> Iterator[Pair]:
    """All pairs of texts in different places; there is none between texts that are equally good."""
    if any(text is None for place in places for text in place):
        return
    known = [[text for text in place if text is not None] for place in places]
    ordered = [(a, b) for better, worse in combinations(known, 2) for a in better for b in worse]
    pairs = [(a, b) for a, b in ordered if a.text.strip() != b.text.strip()]
    for chosen, rejected in pairs:
        both = chosen.reward is not None and rejected.reward is not None
        margin = chosen.reward - rejected.reward if both else None  # type: ignore[operator]
        yield Pair(chosen.text, rejected.text, "human", kind, 1 / len(pairs), margin, rater)
