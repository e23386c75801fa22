"""A question as the sentence score sees it: weighted terms, their order, and the kind of its answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

from contract.passage import Evidence, Sentence
from retrieval.kinds import kind_of
from text.common import COMMON, COMMON_WEIGHT
from text.terms import is_han_pair, terms

# Terms of one thought stand this near to each other; Chinese counts characters.
_WINDOW = {"en": 10, "zh": 18}

# What is written like a name inside a sentence, and numbers.
_NAMES = re.compile(r"(?<=[\w,;:'’] )[A-Z][\w-]*|\b\w*\d[\w.,-]*")


class Question:
    """The question's side of every feature. Shares are 0-1, weighted by rarity."""

    def __init__(self, evidence: Evidence) -> None:
        asked = evidence.searched or evidence.question
        self.weights: Mapping[str, float] = {
            term: weight * (COMMON_WEIGHT if term in COMMON else 1.0)
            for term, weight in evidence.term_weights.items()
        }
        named = terms(" ".join(_NAMES.findall(asked)))
        self._names = [term for term in named if term in self.weights]
        # "And for part-timers?" asks for what the question before it asked for.
        self.kind = kind_of(evidence.question) or kind_of(asked)
        self.text = asked.lower()
        self.vector = evidence.question_vector
        self._total = sum(self.weights.values()) or 1.0
        self._words = [term for term in self.weights if len(term) > 1]
        self._word_total = sum(self.weights[term] for term in self._words) or 1.0
        ordered = in_order(list(self.weights))
        self._ordered_total = sum(self.weights[term] for term in ordered) or 1.0
        self._pairs = set(pairwise(ordered))
        self._window = _WINDOW["zh" if any(map(is_han_pair, self.weights)) else "en"]
        self._rarest = sorted(self._words or self.weights, key=lambda t: -self.weights[t])[:2]

    def overlap(self, present: set[str]) -> float:
        """Share of the terms that are there."""
        return sum([w for term, w in self.weights.items() if term in present]) / self._total

    def words(self, present: set[str]) -> float:
        """The same without single characters."""
        found = [self.weights[term] for term in self._words if term in present]
        return sum(found) / self._word_total

    def rarest_found(self, present: set[str]) -> float:
        """Share of the two rarest terms that are there."""
        return sum(term in present for term in self._rarest) / max(1, len(self._rarest))

    def names_missing(self, present: set[str]) -> float:
        """Share of the question's names and numbers that are not there."""
        return sum(name not in present for name in self._names) / max(1, len(self._names))

    def has_word_in(self, present: set[str]) -> bool:
        """Is a word of the question there: a pair of Han characters, or a term of another script?"""
        return any(term in present for term in self._words)

    def pairs(self, ordered: Sequence[str]) -> float:
        """Share of the neighbouring terms that are neighbours there too."""
        return len(self._pairs & set(pairwise(ordered))) / max(1, len(self._pairs))

    def longest_run(self, ordered: Sequence[str]) -> float:
        """The longest run of neighbouring terms taken over from the question, in tens."""
        longest = run = 0
        for pair in pairwise(ordered):
            run = run + 1 if pair in self._pairs else 0
            longest = max(longest, run)
        return min(longest, 10) / 10

    def nearness(self, ordered: Sequence[str]) -> float:
        """Largest share of the terms inside one window of the text."""
        places = [(i, t) for i, t in enumerate(ordered) if t in self.weights]
        best, start = 0.0, 0
        if len(ordered) <= self._window:
            return sum([self.weights[t] for t in {t for _, t in places}]) / self._ordered_total
        for end, (place, _) in enumerate(places):
            while places[start][0] < place - self._window:
                start += 1
            inside = {t for _, t in places[start : end + 1]}
            best = max(best, sum(self.weights[t] for t in inside))
        return best / self._ordered_total

    def cosine(self, sentence: Sentence) -> float:
        """Likeness by the encoder; 0 where it can't read the question."""
        if self.vector is None or sentence.vector is None:
            return 0.0
        return float(self.vector @ sentence.vector)

    def kinds_in(self, text: str) -> int:
        """How many pieces of the asked kind are there that the question does not hold itself."""
        if self.kind is None:
            return 0
        found = (match.group().strip().lower() for match in self.kind.answers.finditer(text))
        return sum(piece not in self.text for piece in found)


def in_order(found: Sequence[str]) -> list[str]:
    """Terms as they follow each other: without the pairs that repeat single Han characters."""
    return [term for term in found if not is_han_pair(term)]
