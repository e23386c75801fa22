"""Preferences become pairs: which text of a turn was preferred to which, and who says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from feedback.records import CompletionRecord, FeedbackRecord

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
            yield from _ranked([named.get(i) for i in ids], "pair", row.rater)
        elif row.type == "ranking":
            yield from _ranked([named.get(i) for i in body["ranking"]], "ranking", row.rater)
        elif row.type == "correction":
            wrong = named.get(body.get("candidate_id") or record.id)
            yield from _ranked([Text(body["correction"], None), wrong], "correction", row.rater)


def judge_pairs(record: CompletionRecord, min_margin: float) -> Iterator[Pair]:
    """Best against worst candidate by the judge's reward, where they are clearly apart."""
    rated = [(c.reward, c.text) for c in record.candidates if c.reward is not None]
    if len(rated) < 2:
        return
    (low, worst), (high, best) = min(rated), max(rated)
    if high - low >= min_margin and best != worst:
        yield Pair(best, worst, "judge", "reward", 1.0, high - low, None)


def _ranked(texts: Sequence[Text | None], kind: str, rater: str | None) -> Iterator[Pair]:
    if any(text is None for text in texts):
        return
    known = [text for text in texts if text is not None]
    pairs = [(a, b) for a, b in combinations(known, 2) if a.text.strip() != b.text.strip()]
    for chosen, rejected in pairs:
        both = chosen.reward is not None and rejected.reward is not None
        margin = chosen.reward - rejected.reward if both else None  # type: ignore[operator]
        yield Pair(chosen.text, rejected.text, "human", kind, 1 / len(pairs), margin, rater)
