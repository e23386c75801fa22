"""Filters for answers that are to be imitated; each says why it leaves an answer out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from rapidfuzz.distance import Indel

from feedback.example import Example, Row
from feedback.hygiene.near_duplicates import Groups, near_duplicates
from feedback.hygiene.request import Request
from feedback.hygiene.signatures import Signatures
from feedback.hygiene.sketches import Differences, Mask
from feedback.options import Quality
from text.language import language_of


def why_not(row: Row, language: str, quality: Quality) -> str | None:
    """Why a row's answer is no example, as far as it can be told without another model."""
    answer = answer_of(row)
    if quality.characters and not quality.characters[0] <= len(answer) <= quality.characters[1]:
        return "the answer's length"
    if (
        quality.min_reward is not None
        and (row.get("reward") or quality.min_reward) < quality.min_reward
    ):
        return "the judge's reward"
    if quality.same_language and language_of(answer) not in (language, "other"):
        return "the answer's language"
    return None


def keep_good(example: Example, quality: Quality) -> Iterator[str]:
    """Take out the rows whose answers are no examples; why, for each."""
    reasons = [why_not(row, example.language, quality) for row in example.rows]
    example.keep([reason is None for reason in reasons])
    return (reason for reason in reasons if reason is not None)


def answer_of(row: Row) -> str:
    """The answer of an SFT row."""
    return str(row["completion"][-1]["content"])


def not_novel(
    signatures: Signatures, text_of: Callable[[int], str], limit: float, kept: Callable[[int], bool]
) -> set[int]:
    """Prompts too like one that stays before them: their ROUGE-L reaches the limit (Wang et al. 2022).

    ROUGE-L's F-measure of two token sequences is 2·LCS / (m + n) (Lin 2004), which is the normalised
    similarity of insertions and deletions.
    """

    def alike(one: Request, other: Request) -> bool:
        return Indel.normalized_similarity(one.tokens, other.tokens) >= limit

    def may(found: Differences) -> Mask:
        # What only one of them has is in no common subsequence; rounding must not decide.
        longest = np.minimum(
            found.one_tokens - found.lost_tokens, found.other_tokens - found.came_tokens
        )
        mask: Mask = 2 * longest >= (limit - 1e-9) * (found.one_tokens + found.other_tokens)
        return mask

    groups: Groups = near_duplicates(signatures, text_of, alike, may)
    first: dict[int, int] = {}
    dropped = set()
    for number in range(len(signatures)):
        if kept(number) and first.setdefault(groups.find(number), number) != number:
            dropped.add(number)
    return dropped
