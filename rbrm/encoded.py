"""One encoding of a batch, shared by every head and by the reward model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from contract.passage import Vector
from rbrm.answer import Answer, Question
from text.encoder import Encoder
from text.language import language_of


@dataclass(frozen=True, slots=True)
class EncodedBatch:
    """Vectors of one question and its answers.

    Attributes:
        question: (d,), or None where the encoder can't read the question.
        windows: for each answer (w, d), one row for each window; (0, d) where it can't be read.
    """

    question: Vector | None
    windows: tuple[Vector, ...]

    def mean(self, number: int) -> Vector | None:
        """The vector of a whole answer: the mean of its windows, unit length."""
        rows = self.windows[number]
        if not len(rows):
            return None
        vector = rows.mean(axis=0)
        return np.asarray(vector / (np.linalg.norm(vector) or 1.0), dtype=np.float32)


def encode_batch(
    encoder: Encoder, question: Question, answers: Sequence[Answer], deadline: float | None = None
) -> EncodedBatch:
    """Encode a question and all its answers in one call.

    Long answers are read in overlapping windows, so that nothing in them goes unread. What is not
    English is left out: the embedded encoder would only see unknown pieces.
    """
    texts: list[str] = []
    windows: list[range] = []
    for answer in answers:
        english = answer.part("en")
        spans = encoder.windows(english) if english else []
        windows.append(range(len(texts), len(texts) + len(spans)))
        texts += [english[start:end] for start, end in spans]
    vectors = [encoding.vector for encoding in encoder.encode(texts, deadline=deadline)]
    asks = language_of(question.text) == "en"
    nothing = np.zeros((0, encoder.dimensions), dtype=np.float32)
    return EncodedBatch(
        question=encoder.encode_question(question.text) if asks else None,
        windows=tuple(np.stack([vectors[i] for i in w]) if len(w) else nothing for w in windows),
    )
