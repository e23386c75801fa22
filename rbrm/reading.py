"""What the trained heads read: one encoding pass over all answers, cut into stretches.

A stretch is some sentences of an answer in one language: a window as long as the encoder reads, two
neighbouring sentences, or one. Its features are made from those of its sentences, so that harm in one
sentence of a long answer is seen as clearly as in a short one, and costs no further encoding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from contract.passage import Vector
from rbrm.answer import Answer, Question
from rbrm.cues import Cues, load_cues
from rbrm.grams import Grams, grams, union
from text.encoder import Encoder
from text.language import language_of
from text.sentences import sentence_spans
from text.terms import content_terms

# Chinese costs no encoding; its windows are cut to about what the encoder reads of English.
_WINDOW_SENTENCES = 12
_RELATIONS = 6
_SHAPES = 7


@dataclass(frozen=True, slots=True)
class Stretch:
    """Sentences of one answer, in one language.

    Attributes:
        vectors: (s, d), zeros where the encoder can't read the language.
        vector: (d,), of the stretch as a whole.
        cues: (s, c).
        grams: buckets of each sentence.
        terms: of each sentence.
        sizes: words and lines of each sentence: (s, 2).
    """

    language: str
    sentences: tuple[str, ...]
    vector: Vector
    vectors: Vector
    cues: Vector
    grams: tuple[Grams, ...]
    terms: tuple[frozenset[str], ...]
    sizes: npt.NDArray[np.int64]

    def cut(self, start: int, end: int) -> Stretch:
        """The sentences from start to end; their mean stands for the vector of the cut."""
        vectors = self.vectors[start:end]
        return Stretch(
            self.language,
            self.sentences[start:end],
            vectors[0] if len(vectors) == 1 else _unit(vectors.mean(axis=0)),
            vectors,
            self.cues[start:end],
            self.grams[start:end],
            self.terms[start:end],
            self.sizes[start:end],
        )

    def runs(self, length: int) -> list[Stretch]:
        """Every run of so many neighbouring sentences; the whole, where there are fewer."""
        ends = max(1, len(self.sentences) - length + 1)
        return [self.cut(start, start + length) for start in range(ends)]

    @property
    def buckets(self) -> Grams:
        """The n-gram buckets of all sentences."""
        return union(self.grams)


@dataclass(frozen=True, slots=True)
class ReadQuestion:
    """The question and the assistant's turn before it, encoded: zeros where not readable.

    `stretch` is the question read like an answer, for what can be told from its wording.
    """

    vector: Vector
    previous: Vector
    terms: frozenset[str]
    previous_terms: frozenset[str]
    stretch: Stretch | None

    def alone(self) -> ReadQuestion:
        """A question to nothing: what the question itself is read against."""
        nothing = np.zeros_like(self.vector)
        return ReadQuestion(nothing, nothing, frozenset(), frozenset(), None)


@dataclass(frozen=True, slots=True)
class Reading:
    """One answer as its windows, for each of its languages."""

    windows: tuple[Stretch, ...]

    @property
    def vector(self) -> Vector | None:
        """The unit vector of all that the encoder could read; None where that is nothing."""
        rows = [w.vector for w in self.windows if w.vector.any()]
        return _unit(np.mean(rows, axis=0)) if rows else None

    def whole(self, language: str) -> Stretch | None:
        """All windows of a language as one stretch; sentences in an overlap count twice."""
        parts = [window for window in self.windows if window.language == language]
        if len(parts) < 2:
            return parts[0] if parts else None
        return Stretch(
            language,
            tuple(sentence for part in parts for sentence in part.sentences),
            _unit(np.mean([part.vector for part in parts], axis=0)),
            np.concatenate([part.vectors for part in parts]),
            np.concatenate([part.cues for part in parts]),
            tuple(buckets for part in parts for buckets in part.grams),
            tuple(terms for part in parts for terms in part.terms),
            np.concatenate([part.sizes for part in parts]),
        )


@dataclass(frozen=True, slots=True)
class ReadBatch:
    """A question and its answers, encoded in one pass."""

    question: ReadQuestion
    answers: tuple[Reading, ...]


def read_batch(
    encoder: Encoder, question: Question, answers: Sequence[Answer], deadline: float | None = None
) -> ReadBatch:
    """Encode a question and all its answers in one call, sentences included.

    Raises:
        TimeoutError: the deadline passed.
    """
    return read_batches(encoder, [(question, answers)], deadline)[0]


def read_batches(
    encoder: Encoder,
    asked: Sequence[tuple[Question, Sequence[Answer]]],
    deadline: float | None = None,
) -> list[ReadBatch]:
    """The same for several questions, all in one call.

    Raises:
        TimeoutError: the deadline passed.
    """
    windows = [
        (batch, number, language, text)
        for batch, (_, answers) in enumerate(asked)
        for number, answer in enumerate(answers)
        for language, text in _windows(encoder, answer)
    ]
    spans = [sentence_spans(text) for *_, text in windows]
    english = [n for n, (_, _, language, _) in enumerate(windows) if language == "en"]
    encodings = iter(
        encoder.encode(
            [windows[n][3] for n in english], [spans[n] for n in english], deadline=deadline
        )
    )
    cues = load_cues()
    readings = [[list[Stretch]() for _ in answers] for _, answers in asked]
    for (batch, number, language, text), found in zip(windows, spans, strict=True):
        if language == "en":
            encoding = next(encodings)
            vector, vectors = encoding.vector, encoding.sentences
        else:
            vector = np.zeros(encoder.dimensions, dtype=np.float32)
            vectors = np.zeros((len(found), encoder.dimensions), dtype=np.float32)
        texts = tuple(text[start:end] for start, end in found)
        readings[batch][number].append(_stretch(language, texts, vector, vectors, cues))
    questions = _read_questions(encoder, [question for question, _ in asked])
    return [
        ReadBatch(question, tuple(Reading(tuple(found)) for found in answers))
        for question, answers in zip(questions, readings, strict=True)
    ]


def features(stretches: Sequence[Stretch], question: ReadQuestion) -> Vector:
    """The dense features of stretches, in the order of `blocks`: (n, D).

    All at once: one by one, the many short calls cost more than what they compute.
    """
    lengths = np.asarray([len(stretch.sentences) for stretch in stretches])
    first = np.cumsum(lengths) - lengths
    cues = np.concatenate([stretch.cues for stretch in stretches])
    count = np.add.reduceat(cues, first)
    vectors = np.stack([stretch.vector for stretch in stretches])
    return np.concatenate(
        [
            vectors,
            np.maximum.reduceat(cues, first),
            count / lengths[:, None],
            cues[first],
            cues[first + lengths - 1],
            np.log1p(count),
            _shape(stretches, lengths),
            _relation(stretches, vectors, question),
            np.broadcast_to(question.vector, vectors.shape),
        ],
        axis=1,
        dtype=np.float32,
    )


def blocks(dimensions: int) -> dict[str, slice]:
    """Where each block of features lies in a row, for an encoder of `dimensions`."""
    sizes = {
        "encoding": dimensions,
        "cues": 5 * len(load_cues().names),
        "shape": _SHAPES,
        "relation": _RELATIONS,
        "question": dimensions,
    }
    ends = np.cumsum(list(sizes.values())).tolist()
    return {n: slice(e - size, e) for (n, size), e in zip(sizes.items(), ends, strict=True)}


def _stretch(
    language: str, sentences: tuple[str, ...], vector: Vector, vectors: Vector, cues: Cues
) -> Stretch:
    return Stretch(
        language,
        sentences,
        vector,
        vectors,
        cues.find(sentences, language),
        tuple(grams(sentence, language) for sentence in sentences),
        tuple(frozenset(content_terms(sentence)) for sentence in sentences),
        np.asarray([_size(sentence, language) for sentence in sentences], dtype=np.int64),
    )


def _windows(encoder: Encoder, answer: Answer) -> list[tuple[str, str]]:
    """`(language, text)` of each window of an answer; together they hold every sentence of it."""
    found = []
    english, chinese = answer.part("en"), answer.part("zh")
    if language_of(english) == "en":
        found += [("en", english[start:end]) for start, end in encoder.windows(english)]
    if chinese and language_of(chinese) == "zh":
        spans = sentence_spans(chinese)
        for first in range(0, len(spans), _WINDOW_SENTENCES - 1):
            last = min(first + _WINDOW_SENTENCES, len(spans)) - 1
            found.append(("zh", chinese[spans[first][0] : spans[last][1]]))
            if last == len(spans) - 1:
                break
    return found


def _read_questions(encoder: Encoder, questions: Sequence[Question]) -> list[ReadQuestion]:
    """The questions and the turns before them, encoded in one call where the encoder reads them."""
    nothing = np.zeros(encoder.dimensions, dtype=np.float32)
    texts = [text for question in questions for text in (question.text, question.previous)]
    english = [text for text in dict.fromkeys(texts) if language_of(text) == "en"]
    vectors = dict(zip(english, encoder.encode_questions(english), strict=True))
    return [
        ReadQuestion(
            asked := vectors.get(question.text, nothing),
            vectors.get(question.previous, nothing),
            frozenset(content_terms(question.text)),
            frozenset(content_terms(question.previous)),
            _as_stretch(question.text, asked),
        )
        for question in questions
    ]


def _as_stretch(text: str, vector: Vector) -> Stretch | None:
    """A question as one stretch; its sentences have no vectors of their own."""
    language, spans = language_of(text), sentence_spans(text)
    if language not in ("en", "zh") or not spans:
        return None
    sentences = tuple(text[start:end] for start, end in spans)
    vectors = np.repeat(vector[None, :], len(sentences), axis=0)
    return _stretch(language, sentences, vector, vectors, load_cues())


def _size(sentence: str, language: str) -> tuple[int, int]:
    """Words (of Chinese, characters) and lines."""
    return len(sentence) if language == "zh" else len(sentence.split()), 1 + sentence.count("\n")


def _shape(stretches: Sequence[Stretch], lengths: npt.NDArray[np.int64]) -> Vector:
    """(n, _SHAPES)"""
    sizes = np.stack([stretch.sizes.sum(axis=0) for stretch in stretches])
    chinese = np.asarray([stretch.language == "zh" for stretch in stretches])
    words = np.where(chinese, sizes[:, 0] // 2, sizes[:, 0])
    return np.stack(
        [
            np.log1p(words) / 5,
            np.log1p(lengths) / 3,
            words < 4,
            np.log1p(sizes[:, 1]) / 3,
            lengths == 1,
            np.minimum(1, words / 20),
            np.minimum(1, words / 60),
        ],
        axis=1,
        dtype=np.float32,
    )


def _relation(stretches: Sequence[Stretch], vectors: Vector, question: ReadQuestion) -> Vector:
    """(n, _RELATIONS)"""
    asked, before = question.terms, question.previous_terms
    cosines = vectors @ question.vector
    shares = []
    for stretch in stretches:
        said = frozenset().union(*stretch.terms)
        known, answered = len(asked & said), len(before & said)
        shares.append(
            (
                known / max(1, len(asked)),
                known / max(1, len(said)),
                answered / max(1, len(before)),
            )
        )
    return np.column_stack([cosines, cosines * cosines, vectors @ question.previous, shares])


def _unit(vector: Vector) -> Vector:
    norm = float(np.linalg.norm(vector))
    return np.asarray(vector / norm if norm else vector, dtype=np.float32)
