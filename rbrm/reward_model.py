"""The embedded reward model: how helpful an answer is to its question, as one number.

A linear scalar head r(x, y), trained with −log σ(r_w − r_l) over all pairs of one prompt (Ouyang et
al. 2022, equation 1) and scaled to mean 0 and deviation 1 over reference answers.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Protocol

import numpy as np

from contract.errors import ConfigurationError
from contract.passage import Vector
from rbrm.answer import Answer, Question
from rbrm.encoded import EncodedBatch
from rbrm.graders.rules import grounded, repetitive
from rbrm.refusal import compliance
from text.terms import content_terms, terms

FEATURES = (
    "coverage",  # share of the question's terms in the answer
    "cosine",  # of question and answer
    "cosine_known",  # 1 where the encoder reads both
    "grounded",
    "grounded_known",
    "refuses",
    "repetitive",
    "length",  # log of the terms
    "length_squared",
    "has_number",
    "says_nothing_new",  # share of the answer's terms that the question already has
)


class RewardModel(Protocol):
    """Anything that gives answers a scalar."""

    @property
    def version(self) -> str:
        """What stands in the log."""

    def score(self, question: Question, answers: list[Answer], batch: EncodedBatch) -> list[float]:
        """One reward for each answer; higher is more helpful."""


def answer_features(question: Question, answer: Answer, number: int, batch: EncodedBatch) -> Vector:
    """FEATURES of one answer: (11,)."""
    asked, said = set(content_terms(question.text)), terms(answer.text)
    vector = batch.mean(number)
    reads = vector is not None and batch.question is not None
    grade = grounded(question, answer)
    length = math.log1p(len(said)) - 3
    present = set(said)
    return np.asarray(
        (
            len(asked & present) / max(1, len(asked)),
            float(vector @ batch.question)
            if vector is not None and batch.question is not None
            else 0,
            reads,
            grade.probability if grade else 0,
            grade is not None,
            1 - compliance(answer).full_compliance,
            repetitive(question, answer).probability,
            length,
            length * length,
            any(character.isdigit() for character in answer.text),
            len(asked & present) / max(1, len(present)),
        ),
        dtype=np.float32,
    )


@dataclass(frozen=True, slots=True)
class EncoderRewardModel:
    """The scalar head: `weights` (f,), `mean` and `deviation` of raw rewards on reference answers."""

    weights: Vector
    mean: float
    deviation: float
    version: str

    def score(self, question: Question, answers: list[Answer], batch: EncodedBatch) -> list[float]:
        """One reward for each answer, in deviations from the mean reference answer."""
        rows = [answer_features(question, a, i, batch) for i, a in enumerate(answers)]
        return [(float(row @ self.weights) - self.mean) / self.deviation for row in rows]


def load_reward_model(path: Path | None = None) -> EncoderRewardModel:
    """Read the committed reward model.

    Raises:
        ConfigurationError: the file is missing or has other features than this version.
    """
    source = path or Path(str(files("rbrm.weights").joinpath("reward_model.json")))
    try:
        content = json.loads(source.read_text(encoding="utf-8"))
        weights = np.asarray([content["weights"][name] for name in FEATURES], dtype=np.float32)
        return EncoderRewardModel(
            weights, content["mean"], content["deviation"], content["version"]
        )
    except (OSError, ValueError, KeyError) as error:
        raise ConfigurationError(f"The reward model {source} can't be read: {error!r}") from error
