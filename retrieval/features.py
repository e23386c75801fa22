"""What is measured of each sentence for the reader's choice."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

import numpy as np

from contract.passage import Evidence, Passage, Vector
from retrieval.kinds import NAMES
from retrieval.question import Question, in_order
from text.tables import is_row, readable
from text.terms import terms

FEATURES = (
    "overlap",  # rarity-weighted share of the question's terms in the sentence
    "overlap_squared",
    "words",  # the same without single characters
    "words_squared",
    "before_gain",  # what the sentence before and the heading add to the overlap
    "after_gain",
    "pairs",  # share of the question's neighbouring terms that are neighbours in the sentence
    "longest_run",
    "nearness",
    "rarest_found",
    "density",  # share of the sentence's terms that are the question's
    "best_overlap",  # no other sentence has more
    "best_in_passage",
    "below_best_overlap",  # by how much the best sentence has more
    "cosine",  # of the question and the sentence, 0 where the encoder can't read
    "best_cosine",
    "passage_overlap",
    "passage_score",
    "first_passage",
    "rank",  # 1 / the passage's number
    "opens_passage",
    "refers_back",  # "It …", "该…": it needs the sentence before
    "refers_back_gain",  # and that sentence holds what the question asks about
    "length",  # log of the characters
    "short",  # hardly a sentence: a title, a label
    "is_question",
    "is_row",
    "many_of_kind",
    "kind_near",  # overlap of the part of the sentence that holds the asked kind
    *(f"kind_{name}" for name in NAMES),  # +1 where the asked kind is there, -1 where it is not
)
_KIND_AT = FEATURES.index(f"kind_{NAMES[0]}")
_CLAUSE = re.compile(r"[,;:，；：、()（）—]|\s[-–]\s")
_REFERS_BACK = re.compile(
    r"^\W*(?:(?:it|its|they|their|them|he|his|she|her|this|these|that|those|such|both|the latter|the former)\b"
    r"|该|此|这|那|其|它|他|她|前者|后者|同时|另外)",
    re.IGNORECASE,
)


_last: list[tuple[tuple[Passage, ...], Mapping[str, float], Vector]] = []


def evidence_features(evidence: Evidence) -> Vector:
    """One row of FEATURES for each sentence of all passages, in order: (s, f); not to be changed."""
    # Retrieval and the reader ask for the same ones in turn, so the last are kept.
    for passages, weights, table in _last:
        if passages is evidence.passages and weights is evidence.term_weights:
            return table
    question = Question(evidence)
    rows = [_passage_rows(question, passage) for passage in evidence.passages]
    table = np.concatenate(rows) if rows else np.zeros((0, len(FEATURES)), np.float32)
    if len(table):
        _compare(table)
    _last[:] = [(evidence.passages, evidence.term_weights, table)]
    return table


def _passage_rows(question: Question, passage: Passage) -> Vector:
    said = [readable(s.text, passage.text, passage.heading) for s in passage.sentences]
    own = [terms(text) for text in said]
    sets = [set(found) for found in own]
    heading = set(terms(f"{passage.title} {passage.heading}"))
    whole = question.overlap(heading.union(*sets))
    rows = np.zeros((len(said), len(FEATURES)), dtype=np.float32)
    for i, sentence in enumerate(passage.sentences):
        overlap, words = question.overlap(sets[i]), question.words(sets[i])
        earlier = sets[i - 1] if i else set()
        before = question.overlap(sets[i] | earlier | heading) - overlap
        ordered = in_order(own[i])
        back = bool(_REFERS_BACK.match(said[i]))
        rows[i, :_KIND_AT] = (
            overlap,
            overlap * overlap,
            words,
            words * words,
            before,
            question.overlap(sets[i].union(*sets[i + 1 : i + 2])) - overlap,
            question.pairs(ordered),
            question.longest_run(ordered),
            question.nearness(ordered),
            question.rarest_found(sets[i]),
            len(sets[i] & question.weights.keys()) / max(4, len(sets[i])),
            0,
            0,
            0,
            question.cosine(sentence),
            0,
            whole,
            passage.score,
            passage.number == 1,
            1 / passage.number,
            i == 0,
            back,
            back * before,
            math.log(max(1, len(sentence.text))) - 4,
            len(ordered) < 5,
            sentence.text.rstrip().endswith(("?", "？")),
            is_row(sentence.text),
            *_kind_counts(question, said[i]),
        )
        if question.kind is not None:
            place = _KIND_AT + NAMES.index(question.kind.name)
            rows[i, place] = 1 if rows[i, _KIND_AT - 2] else -1
    if len(rows):
        rows[:, FEATURES.index("best_in_passage")] = rows[:, 0] >= rows[:, 0].max()
    return rows


def _kind_counts(question: Question, text: str) -> tuple[float, float]:
    count = question.kinds_in(text)
    if not count:
        return 0.0, 0.0
    parts = _CLAUSE.split(text)
    holding = [part for part in parts if question.kinds_in(part)] if len(parts) > 1 else parts
    near = max((question.overlap(set(terms(part))) for part in holding), default=0.0)
    return min(count, 4) / 4, near


def _compare(table: Vector) -> None:
    """Fill in what depends on the other sentences."""
    overlap, cosine = table[:, 0], table[:, FEATURES.index("cosine")]
    table[:, FEATURES.index("best_overlap")] = overlap >= overlap.max()
    table[:, FEATURES.index("below_best_overlap")] = overlap.max() - overlap
    table[:, FEATURES.index("best_cosine")] = (cosine >= cosine.max()) & (cosine > 0)
