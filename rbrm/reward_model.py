"""The embedded reward model: how helpful an answer is to its question, as one number.

A linear scalar head r(x, y) on the encoding that the judge reads anyway, trained with
−log σ(r_w − r_l) over all pairs of one prompt and scaled to mean 0 and deviation 1 over reference answers
(Ouyang et al. 2022, equation 1 and section 3.5).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Protocol

import numpy as np
from safetensors import SafetensorError, safe_open

from contract.errors import ConfigurationError
from contract.passage import Vector
from rbrm.answer import Answer, Question
from rbrm.cues import load_cues
from rbrm.graders.form import (
    constraints_met,
    format_as_asked,
    length_in_words,
    repetitive,
    too_long,
    wants_brevity,
    wants_detail,
)
from rbrm.graders.grounding import grounded
from rbrm.reading import ReadBatch, Reading
from text.terms import content_terms, terms

SCALARS = (
    "coverage",  # share of the question's terms in the answer
    "cosine",  # of question and answer
    "cosine_known",  # 1 where the encoder reads both
    "cosine_worst",  # of the question and the sentence that is furthest from it
    "grounded",
    "grounded_known",
    "partial_refusal",
    "full_refusal",
    "repetitive",
    "length",  # log of the words
    "length_squared",
    "length_if_detail",  # where the user asks for detail
    "length_if_brief",  # where the user asks for brevity
    "length_beyond_question",  # log of the ratio
    "has_number",
    "number_if_asked",  # the question asks how many, when or how much
    "echo",  # share of the answer's terms that the question already has
    "variety",  # different words among all
    "cut_off",  # ends in the middle
    "made_up_turn",  # goes on as the user
    "listed",  # lines that are list items
    "format_met",
    "format_missed",
    "constraints_met",
    "constraints_missed",
    "too_long",
)

_COMPLETE = re.compile(r"(?:[.!?。！？…:：)\]}\"”'’`|*_~>】」』）]|\[\d+\])\s*$")
_TURN = re.compile(
    r"^\s*(?:user|human|question|用户|提问|问)\s*[:：]", re.IGNORECASE | re.MULTILINE
)
_ASKS_NUMBER = re.compile(
    r"\b(?:how (?:many|much|long|old|far|tall|often)|when|what (?:year|date|time|percentage|number))\b"
    r"|多少|几[个天年次月人]|什么时候|何时|哪一年|多久|多长|多大",
    re.IGNORECASE,
)
_ITEM = re.compile(r"^[ \t]*(?:[-*•]|\d{1,3}[.)、])[ \t]*\S", re.MULTILINE)


class RewardModel(Protocol):
    """Anything that gives answers a scalar."""

    @property
    def remote(self) -> bool:
        """Does scoring wait for another server?"""

    @property
    def version(self) -> str:
        """What stands in the log."""

    def score(
        self, question: Question, answers: Sequence[Answer], batch: ReadBatch
    ) -> Sequence[float]:
        """One reward for each answer; higher is more helpful.

        Raises:
            JudgeUnavailable: the server behind it did not answer.
        """

    def close(self) -> None:
        """Close what holds connections."""


def feature_names(dimensions: int) -> list[str]:
    """The features of an answer, in order."""
    cues = load_cues().names
    return [
        *SCALARS,
        *(f"has/{name}" for name in cues),
        *(f"share/{name}" for name in cues),
        *(f"encoding/{i}" for i in range(dimensions)),
    ]


def answer_features(question: Question, answer: Answer, number: int, batch: ReadBatch) -> Vector:
    """The features of one answer: (f,)."""
    reading = batch.answers[number]
    rows = [window.cues for window in reading.windows]
    cues = np.concatenate(rows) if rows else np.zeros((1, len(load_cues().names)))
    vector = reading.vector
    encoding = np.zeros_like(batch.question.vector) if vector is None else vector
    return np.concatenate(
        [_scalars(question, answer, reading, batch), cues.max(axis=0), cues.mean(axis=0), encoding]
    ).astype(np.float32)


def _scalars(question: Question, answer: Answer, reading: Reading, batch: ReadBatch) -> list[float]:
    asked, said = set(content_terms(question.text)), terms(answer.text)
    present = set(said)
    reads = reading.vector is not None and bool(batch.question.vector.any())
    cosines = [
        float((window.vectors @ batch.question.vector).min())
        for window in reading.windows
        if window.vectors.any()
    ]
    words = length_in_words(answer.text)
    length = math.log1p(words) - 3
    drawn = grounded(question, answer)
    form, limits = format_as_asked(question, answer), constraints_met(question, answer)
    numbers = any(character.isdigit() for character in answer.text)
    return [
        len(asked & present) / max(1, len(asked)),
        float(reading.vector @ batch.question.vector)
        if reads and reading.vector is not None
        else 0,
        reads,
        min(cosines, default=0.0) if reads else 0,
        drawn.probability if drawn else 0,
        drawn is not None,
        answer.compliance.partial_refusal,
        answer.compliance.full_refusal,
        repetitive(question, answer).probability,
        length,
        length * length,
        length if wants_detail(question.text) else 0,
        length if wants_brevity(question.text) else 0,
        math.log((1 + words) / (1 + length_in_words(question.text))),
        numbers,
        numbers and _ASKS_NUMBER.search(question.text) is not None,
        len(asked & present) / max(1, len(present)),
        len(present) / max(1, len(said)),
        not _COMPLETE.search(answer.text) and words > 6,
        _TURN.search(answer.text) is not None,
        math.log1p(len(_ITEM.findall(answer.text))),
        form is not None and form.probability >= 0.5,
        form is not None and form.probability < 0.5,
        limits is not None and limits.probability >= 0.5,
        limits is not None and limits.probability < 0.5,
        too_long(question, answer).probability >= 0.5,
    ]


@dataclass(frozen=True, slots=True)
class EncoderRewardModel:
    """The scalar head: `weights` (f,), `mean` and `deviation` of raw rewards on reference answers."""

    weights: Vector
    mean: float
    deviation: float
    version: str
    remote: bool = False

    def score(
        self, question: Question, answers: Sequence[Answer], batch: ReadBatch
    ) -> Sequence[float]:
        """One reward for each answer, in deviations from the mean reference answer."""
        rows = np.stack([answer_features(question, a, i, batch) for i, a in enumerate(answers)])
        scores: list[float] = ((rows @ self.weights - self.mean) / self.deviation).tolist()
        return scores

    def close(self) -> None:
        """Nothing is held open."""


def load_reward_model(dimensions: int, path: Path | None = None) -> EncoderRewardModel:
    """Read the committed reward model.

    Raises:
        ConfigurationError: the file is missing or has other features than this version.
    """
    source = path or Path(str(files("rbrm.weights").joinpath("reward_model.safetensors")))
    try:
        with safe_open(source, framework="numpy") as file:
            card = json.loads(file.metadata()["card"])
            weights = file.get_tensor("weights").astype(np.float32)
        if (
            len(weights) != len(feature_names(dimensions))
            or card["cues"] != load_cues().fingerprint
        ):
            raise ValueError("it has other features than this version")
        return EncoderRewardModel(weights, card["mean"], card["deviation"], card["version"])
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise ConfigurationError(f"The reward model {source} can't be read: {error!r}") from error
