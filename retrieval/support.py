"""How well a sentence supports an answer to a question, without a language model.

A linear score over a few features, one set of weights for questions that the encoder can read and
one for those that it can't. The weights are learned by `training/reader.py`; its card, beside them,
says from what.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np

from contract.passage import Evidence, Passage, Sentence, Vector
from retrieval.features import FEATURES, evidence_features
from retrieval.question import Question
from text.tables import cells_of, is_header, is_row, readable
from text.terms import terms

SUPPORT_FEATURES = (
    "overlap",
    "words",
    "context",  # overlap of the sentence with the one before and the heading
    "nearness",
    "cosine",
    "best_cosine",  # of any sentence of the passages
    "passage_overlap",
    "all_overlap",  # of all passages together
    "rarest_found",  # in the passage
    "names_missing",  # share of the question's names and numbers that no passage holds
    "kind",  # +1 where the asked kind is in the sentence, -1 where it is not
    "terms",  # log of the number of terms: of a short question little is known
)

# A further sentence joins an answer if its score (a log-odds) is at most this far below the first.
JOIN_WITHIN = 5.0


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
    """Which set of weights applies: `dense` where question and sentences have vectors, else `lexical`."""
    sentences = (s for passage in evidence.passages for s in passage.sentences)
    compared = evidence.question_vector is not None and any(s.vector is not None for s in sentences)
    return "dense" if compared else "lexical"


def rank_sentences(evidence: Evidence, model: SupportModel) -> list[Scored]:
    """Every sentence of the passages that may answer, best first."""
    return ranked_by(evidence, evidence_features(evidence), model.rank[side_of(evidence)])


def ranked_by(evidence: Evidence, table: Vector, weights: Vector) -> list[Scored]:
    """The same, with features (s, f) at hand and weights (f,)."""
    scores = table @ weights
    asked = {term for term in evidence.term_weights if len(term) > 1 or term.isdigit()}
    places = ((p, i, s) for p in evidence.passages for i, s in enumerate(p.sentences))
    scored = [
        Scored(passage, position, sentence, features, float(score))
        for (passage, position, sentence), features, score in zip(
            places, table, scores, strict=True
        )
        if _may_answer(sentence.text, passage.text, asked)
    ]
    return sorted(scored, key=lambda s: (-s.score, s.passage.number, s.position))


def _may_answer(sentence: str, text: str, asked: set[str]) -> bool:
    """A table's row answers only a question that names one of its cells: all rows share their header,
    and that answers nothing."""
    if not is_row(sentence):
        return True
    named = not asked.isdisjoint(terms(" ".join(cells_of(sentence))))
    return named and not is_header(sentence, text)


def support(evidence: Evidence, best: Scored, model: SupportModel) -> float:
    """Probability that this sentence, the best one, answers the question at all.

    Single Han characters in common are no evidence: most of them occur everywhere.
    """
    if evidence.question_vector is None:
        present = set(terms(f"{best.passage.heading} {best.passage.text}"))
        if not Question(evidence).has_word_in(present):
            return 0.0
    weights = model.support[side_of(evidence)]
    logit = float(support_features(evidence, best) @ weights[:-1] + weights[-1])
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))


def best_support(evidence: Evidence) -> float:
    """Probability that the passages hold an answer; 0 where there is no sentence at all."""
    model = default_model()
    ranked = rank_sentences(evidence, model)
    return support(evidence, ranked[0], model) if ranked else 0.0


def support_features(evidence: Evidence, best: Scored) -> Vector:
    """SUPPORT_FEATURES of the best sentence: (12,)."""
    question = Question(evidence)
    around = [set(terms(f"{p.title} {p.heading} {p.text}")) for p in evidence.passages]
    here = around[evidence.passages.index(best.passage)]
    passage = best.passage
    own = set(terms(readable(best.sentence.text, passage.text, passage.heading)))
    before = best.passage.sentences[best.position - 1].text if best.position else ""
    everywhere: set[str] = set().union(*around)
    cosines = [question.cosine(s) for p in evidence.passages for s in p.sentences]
    kinds = best.features[FEATURES.index("many_of_kind")] > 0
    return np.asarray(
        (
            question.overlap(own),
            question.words(own),
            question.overlap(own | set(terms(f"{best.passage.heading} {before}"))),
            best.features[FEATURES.index("nearness")],
            question.cosine(best.sentence),
            max(cosines),
            question.overlap(here),
            question.overlap(everywhere),
            question.rarest_found(here),
            question.names_missing(everywhere),
            0 if question.kind is None else 1 if kinds else -1,
            math.log1p(len(question.weights)),
        ),
        dtype=np.float32,
    )


def further(ranked: Sequence[Scored], count: int, within: float) -> list[Scored]:
    """The best sentence and up to `count - 1` that add to it, none of them saying the same again.

    A sentence joins if its score is at most `within` below the best one's.
    """
    chosen: list[Scored] = []
    for scored in ranked:
        if len(chosen) == count or (chosen and chosen[0].score - scored.score > within):
            break
        if not any(_repeats(scored, other) for other in chosen):
            chosen.append(scored)
    return chosen


def _repeats(one: Scored, other: Scored) -> bool:
    mine, theirs = set(terms(one.sentence.text)), set(terms(other.sentence.text))
    return len(mine & theirs) > 0.8 * max(1, min(len(mine), len(theirs)))
