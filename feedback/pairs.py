"""Preferences become pairs: which answer of a turn was preferred to which, and who says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from contract.feedback import places_of
from feedback.answers import Answer
from feedback.options import Source
from feedback.records import FeedbackRecord


class Pair(NamedTuple):
    """A preferred and a rejected answer to one prompt.

    Attributes:
        weight: share of its prompt's group; all C(K, 2) pairs of a ranking sum to 1 (Ouyang et al.
            2022, equation 1).
    """

    chosen: Answer
    rejected: Answer
    source: Source
    kind: str
    weight: float
    rater: str | None

    @property
    def margin(self) -> float | None:
        """Difference of the judge's rewards, None where one is unknown."""
        if self.chosen.reward is None or self.rejected.reward is None:
            return None
        return self.chosen.reward - self.rejected.reward


def human_pairs(
    turn_id: str, feedback: Sequence[FeedbackRecord], named: Mapping[str, Answer]
) -> Iterator[Pair]:
    """The pairs in what people said of one turn. Feedback that names unknown ids gives none."""
    for row in feedback:
        body = row.body
        if row.type == "pair":
            places = [[named.get(body["preferred_id"])], [named.get(body["rejected_id"])]]
        elif row.type == "ranking":
            places = [[named.get(i) for i in place] for place in places_of(body["ranking"])]
        elif row.type == "correction":
            wrong = named.get(body.get("candidate_id") or turn_id)
            places = [[Answer(body["correction"])], [wrong]]
        else:
            continue
        yield from _ranked(places, row.type, row.rater)


def judge_pairs(answers: Sequence[tuple[str, int, Answer]], min_margin: float) -> Iterator[Pair]:
    """Every acceptable answer against every other to the same prompt whose reward is clearly smaller:
    drafts that were turned down are among them, with what they were turned down for."""
    groups: dict[int, list[Answer]] = {}
    for _, choice, answer in answers:
        if answer.reward is not None:
            groups.setdefault(choice, []).append(answer)
    for group in groups.values():
        if len(group) == 1:
            continue
        group.sort(key=lambda answer: (-(answer.reward or 0.0), answer.text))
        clear = [
            (better, worse)
            for better, worse in combinations(group, 2)
            if better.acceptable
            and (better.reward or 0.0) - (worse.reward or 0.0) >= min_margin
            and better.text.strip() != worse.text.strip()
        ]
        for better, worse in clear:
            yield Pair(better, worse, "judge", "reward", 1 / len(clear), None)


def _ranked(
    places: Sequence[Sequence[Answer | None]], kind: str, rater: str | None
) -> Iterator[Pair]:
    if any(answer is None for place in places for answer in place):
        return
    pairs = [
        (chosen, rejected)
        for above, below in combinations(places, 2)
        for chosen in above
        for rejected in below
        if chosen is not None and rejected is not None
        if chosen.text.strip() != rejected.text.strip()
    ]
    for chosen, rejected in pairs:
        yield Pair(chosen, rejected, "human", kind, 1 / len(pairs), rater)
