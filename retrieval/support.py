"""How well a sentence supports an answer to a question, without a language model.

A linear score over a few features, one set of weights for questions that the encoder can read and
one for those that it can't. The weights are learned by `training/reader.py`; its card, beside them,
says from what.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise

import numpy as np

from contract.passage import Evidence, Passage, Sentence, Vector
from text.tables import readable
from text.terms import terms

FEATURES = (
    "overlap",  # rarity-weighted share of the question's terms in the sentence
    "overlap_squared",
    "context_gain",  # what the sentence before and the heading add to it
    "pairs",  # share of the question's neighbouring terms that are neighbours in the sentence
    "cosine",  # of the question and the sentence, 0 where the encoder can't read
    "passage_score",
    "first_passage",
    "rank",  # 1 / the passage's number
    "kind_found",  # the question asks for a number, date, person or place, and one is there
    "kind_missing",  # it asks for one, and none is there
    "length",  # log of the characters
    "is_question",
)

SUPPORT_FEATURES = (
    "overlap",
    "context",
    "cosine",
    "passage_overlap",
    "rarest_found",
    "kind_missing",
)

_NUMBER = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|fifty|"
    r"hundred|thousand|million|billion|half|quarter|twice|once|double|percent)\b"
    r"|[一二两三四五六七八九十百千万亿半]+[年月日天个小时分秒元次名人岁倍周米度点成号层页]",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][A-Za-z]+|\b[A-Z][a-z]+ [A-Z][a-z]+|[\u4e00-\u9fff]{2,}")
_ASKS_NUMBER = re.compile(
    r"\bhow (?:many|much|long|often|old|far|big|large|high|fast|soon|early|late|tall|deep)\b"
    r"|\b(?:what|which) (?:year|date|day|month|time|number|percentage|percent|share|age|amount|"
    r"century|temperature)\b|\bwhen\b|\bby when\b"
    r"|多少|多久|多长|多大|多高|几|何时|什么时候|哪一?年|哪一?天|时间|百分之",
    re.IGNORECASE,
)
_ASKS_NAME = re.compile(
    r"\b(?:who|whom|whose|where)\b|谁|哪里|哪儿|何处|何地|什么地方", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Scored:
    """A sentence with its place and its score; scores compare within one question."""

    passage: Passage
    position: int
    sentence: Sentence
    features: Vector
    score: float


@dataclass(frozen=True, slots=True)
class SupportModel:
    """Weights of the sentence score and of the support estimate, by what the encoder reads."""

    rank: Mapping[str, Vector]
    support: Mapping[str, Vector]
    version: str


@lru_cache(maxsize=1)
def default_model() -> SupportModel:
    """The committed weights."""
    content = json.loads(files("retrieval").joinpath("support.json").read_text(encoding="utf-8"))
    return SupportModel(
        rank={side: np.asarray(w, dtype=np.float32) for side, w in content["rank"].items()},
        support={side: np.asarray(w, dtype=np.float32) for side, w in content["support"].items()},
        version=content["version"],
    )


def side_of(evidence: Evidence) -> str:
    """Which set of weights applies: `dense` where there is a question vector, else `lexical`."""
    return "lexical" if evidence.question_vector is None else "dense"


def rank_sentences(evidence: Evidence, model: SupportModel) -> list[Scored]:
    """Every sentence of the passages, best first."""
    weights = model.rank[side_of(evidence)]
    scored = [
        Scored(passage, position, sentence, features, float(features @ weights))
        for passage in evidence.passages
        for position, (sentence, features) in enumerate(
            zip(passage.sentences, passage_features(evidence, passage), strict=True)
        )
    ]
    return sorted(scored, key=lambda s: (-s.score, s.passage.number, s.position))


def support(evidence: Evidence, best: Scored, model: SupportModel) -> float:
    """Probability that this sentence, the best one, answers the question at all.

    Single Han characters in common are no evidence: most of them occur everywhere.
    """
    if evidence.question_vector is None and not _Question(evidence).has_word_in(best.passage):
        return 0.0
    weights = model.support[side_of(evidence)]
    features = support_features(evidence, best)
    logit = float(features @ weights[:-1] + weights[-1])
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))


def best_support(evidence: Evidence) -> float:
    """Probability that the passages hold an answer; 0 where there is no sentence at all."""
    model = default_model()
    ranked = rank_sentences(evidence, model)
    return support(evidence, ranked[0], model) if ranked else 0.0


def passage_features(evidence: Evidence, passage: Passage) -> Vector:
    """One row of FEATURES for each sentence of a passage: (s, 12)."""
    question = _Question(evidence)
    rows = np.zeros((len(passage.sentences), len(FEATURES)), dtype=np.float32)
    before = terms(passage.heading)
    for row, sentence in zip(rows, passage.sentences, strict=True):
        said = readable(sentence.text, passage.text)
        own = terms(said)
        overlap = question.overlap(own)
        kind = question.kind_found(said)
        row[:] = (
            overlap,
            overlap * overlap,
            question.overlap([*own, *before]) - overlap,
            question.pairs(own),
            question.cosine(sentence),
            passage.score,
            passage.number == 1,
            1 / passage.number,
            kind is True,
            kind is False,
            math.log(max(1, len(sentence.text))) - 4,
            sentence.text.rstrip().endswith(("?", "？")),
        )
        before = [*terms(passage.heading), *own]
    return rows


def support_features(evidence: Evidence, best: Scored) -> Vector:
    """SUPPORT_FEATURES of the best sentence: (6,)."""
    question = _Question(evidence)
    own = terms(readable(best.sentence.text, best.passage.text))
    around = terms(f"{best.passage.heading} {best.passage.text}")
    before = best.passage.sentences[best.position - 1].text if best.position else ""
    context = [*own, *terms(f"{best.passage.heading} {before}")]
    return np.asarray(
        (
            question.overlap(own),
            question.overlap(context),
            question.cosine(best.sentence),
            question.overlap(around),
            question.rarest_found(around),
            question.kind_found(best.sentence.text) is False,
        ),
        dtype=np.float32,
    )


class _Question:
    """The question's side of every feature."""

    def __init__(self, evidence: Evidence) -> None:
        self._weights = evidence.term_weights
        self._total = sum(self._weights.values()) or 1.0
        self._vector = evidence.question_vector
        self._pairs = set(pairwise(self._weights))
        text = evidence.question
        self._asks_number = bool(_ASKS_NUMBER.search(text))
        self._asks_name = bool(_ASKS_NAME.search(text)) and not self._asks_number

    def overlap(self, found: Sequence[str]) -> float:
        return sum(self._weights.get(term, 0.0) for term in set(found)) / self._total

    def rarest_found(self, found: Sequence[str]) -> float:
        """Share of the two rarest terms that are there."""
        rarest = sorted(self._weights, key=lambda term: -self._weights[term])[:2]
        present = set(found)
        return sum(term in present for term in rarest) / max(1, len(rarest))

    def has_word_in(self, passage: Passage) -> bool:
        """Is a word of the question there: a pair of Han characters, or a term of another script?"""
        present = set(terms(f"{passage.heading} {passage.text}"))
        return any(len(term) > 1 and term in present for term in self._weights)

    def pairs(self, found: Sequence[str]) -> float:
        return len(self._pairs & set(pairwise(found))) / max(1, len(self._pairs))

    def cosine(self, sentence: Sentence) -> float:
        if self._vector is None or sentence.vector is None:
            return 0.0
        return float(self._vector @ sentence.vector)

    def kind_found(self, text: str) -> bool | None:
        """Is what the question asks for there? None where it asks for nothing of a known kind."""
        if self._asks_number:
            return bool(_NUMBER.search(text))
        if self._asks_name:
            return bool(_NAME.search(text))
        return None
