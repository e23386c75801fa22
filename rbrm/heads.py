"""The trained heads: linear models over encoding, cues, n-grams and shape of an answer.

They are safetensors beside a card (`rbrm/weights/README.md`), fitted by `training/judge_heads.py` on the
encoder and the cues whose fingerprints they carry; with others they would be noise, so that is an error.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from contract.errors import ConfigurationError
from contract.passage import Vector
from rbrm.cues import load_cues
from rbrm.grams import unit_weights
from rbrm.reading import Reading, ReadQuestion, Stretch, features

HARMS = ("S", "H", "V", "HR", "SH", "S3", "H2", "V2")

# Neighbouring sentences that are read together, so that what one says and the next completes is seen.
RUN = 2


@dataclass(frozen=True, slots=True)
class HeadGrade:
    """A head's probability and, where it is a yes, the sentence that says most for it."""

    probability: float
    cause: str = ""


@dataclass(frozen=True, slots=True)
class LanguageHeads:
    """The heads of one language.

    Attributes:
        names: the heads, `proposition/apology` and so on: (h,).
        dense: (h, D), `grams`: (G, h), so that the rows of a text's buckets lie together, `bias`: (h,).
        slope: (h,), the steepness of each sigmoid.
        run_margin: (h,), how much more a run of two sentences must score than a whole window;
            infinite for a head that reads whole windows only.
        idf: (G,), inverse document frequencies of the n-gram buckets.
        shifts: by response type, what is added to the logits (h,) where the caller says that the question
            asks for it.
    """

    names: tuple[str, ...]
    dense: Vector
    grams: Vector
    bias: Vector
    slope: Vector
    run_margin: Vector
    idf: Vector
    shifts: Mapping[str, Vector]

    def logits(self, stretches: Sequence[Stretch], question: ReadQuestion) -> Vector:
        """(n, h) scores; above 0 means yes."""
        rows = features(stretches, question)
        scores = rows @ self.dense.T + self.bias
        for number, stretch in enumerate(stretches):
            buckets = stretch.buckets
            scores[number] += unit_weights(buckets, self.idf) @ self.grams[buckets]
        return np.asarray(scores, dtype=np.float32)

    def probabilities(self, logits: Vector) -> Vector:
        """Sigmoids of logits (…, h)."""
        return np.asarray(1 / (1 + np.exp(-np.clip(self.slope * logits, -30, 30))))


@dataclass(frozen=True, slots=True)
class Heads:
    """The heads of both languages; `calibrations` are those of compliance (rbrm/refusal.py)."""

    languages: Mapping[str, LanguageHeads]
    calibrations: Mapping[str, Mapping[str, Any]]
    version: str

    @property
    def names(self) -> tuple[str, ...]:
        """All heads."""
        return self.languages["en"].names

    def grades(
        self, reading: Reading, question: ReadQuestion, known_type: str | None = None
    ) -> dict[str, HeadGrade]:
        """What each head makes of an answer: the worst window, or run of sentences, counts.

        Nothing where the answer holds neither English nor Chinese. `known_type` is the response type, if
        the caller said it.
        """
        return worst_of(self.languages, reading, question, known_type)

    def whole(self, reading: Reading, question: ReadQuestion, language: str) -> dict[str, float]:
        """Logits of the whole answer, for what only the whole answer can tell (compliance)."""
        stretch = reading.whole(language)
        heads = self.languages[language]
        if stretch is None:
            return {}
        return dict(zip(heads.names, heads.logits([stretch], question)[0].tolist(), strict=True))

    def of_question(self, question: ReadQuestion) -> dict[str, float]:
        """The probability of each response type, from the question's wording; they sum to 1."""
        if question.stretch is None:
            return {}
        heads = self.languages[question.stretch.language]
        asking = question.alone()
        raw = heads.probabilities(heads.logits([question.stretch], asking)[0])
        prefix = "response_type/"
        found = {
            name.removeprefix(prefix): float(p)
            for name, p in zip(heads.names, raw, strict=True)
            if name.startswith(prefix)
        }
        total = sum(found.values())
        return {name: p / total for name, p in found.items()} if total else {}

    def sentences(
        self, reading: Reading, question: ReadQuestion, name: str
    ) -> list[tuple[str, float]]:
        """Each sentence with the logit of one head, in order; what is read twice comes once."""
        scores: dict[str, float] = {}
        for window in reading.windows:
            heads = self.languages[window.language]
            cuts = window.runs(1)
            column = heads.names.index(name)
            for cut, logit in zip(cuts, heads.logits(cuts, question)[:, column], strict=True):
                scores[cut.sentences[0]] = float(logit)
        return list(scores.items())


def worst_of(
    languages: Mapping[str, LanguageHeads],
    reading: Reading,
    question: ReadQuestion,
    known_type: str | None = None,
) -> dict[str, HeadGrade]:
    """The grade of each head over the windows of its language; of several languages the worst counts."""
    found: dict[str, HeadGrade] = {}
    for language, heads in languages.items():
        windows = [w for w in reading.windows if w.language == language]
        grades = _grades(heads, windows, question, known_type) if windows else {}
        for name, grade in grades.items():
            if name not in found or grade.probability > found[name].probability:
                found[name] = grade
    return found


def _grades(
    heads: LanguageHeads,
    windows: Sequence[Stretch],
    question: ReadQuestion,
    known_type: str | None,
) -> dict[str, HeadGrade]:
    """The grades of one language's heads over the windows that it reads.

    Each window is read as a whole, and then in runs of neighbouring sentences by the heads that a single
    sentence is enough for.
    """
    nothing = np.zeros(len(heads.names), dtype=np.float32)
    stretches, margins = list(windows), [nothing] * len(windows)
    for window in windows:
        if len(window.sentences) > 1:
            runs = window.runs(RUN)
            stretches += runs
            margins += [heads.run_margin] * len(runs)
    logits = heads.logits(stretches, question) - np.stack(margins)
    logits += heads.shifts.get(known_type or "", 0.0)
    worst = logits.argmax(axis=0)
    probabilities = heads.probabilities(logits.max(axis=0))
    causes = _causes(
        heads, [stretches[i] for i in worst], (probabilities >= 0.5).tolist(), question
    )
    return {
        name: HeadGrade(float(probabilities[i]), causes.get(i, ""))
        for i, name in enumerate(heads.names)
    }


def _causes(
    heads: LanguageHeads, worst: Sequence[Stretch], holds: Sequence[bool], question: ReadQuestion
) -> dict[int, str]:
    """For each head that says yes, the sentence of its worst stretch that says so most."""
    found: dict[int, str] = {}
    for stretch in {id(s): s for s, yes in zip(worst, holds, strict=True) if yes}.values():
        best = heads.logits(stretch.runs(1), question).argmax(axis=0)
        for number, (other, yes) in enumerate(zip(worst, holds, strict=True)):
            if yes and other is stretch:
                found[number] = stretch.sentences[best[number]]
    return found


def load_heads(fingerprint: str, path: Path | None = None) -> Heads:
    """Read the heads for an encoder.

    Raises:
        ConfigurationError: they are missing, or were fitted on another encoder or other cues.
    """
    source = path or Path(str(files("rbrm.weights").joinpath("heads.safetensors")))
    try:
        with safe_open(source, framework="numpy") as file:
            card = json.loads(file.metadata()["card"])
            languages = {
                language: language_heads(file, language, card) for language in card["names"]
            }
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise ConfigurationError(f"The judge's heads {source} can't be read: {error}") from error
    check_made_for(card, fingerprint, str(source))
    return Heads(languages, card["calibrations"], card["version"])


def check_made_for(card: Mapping[str, str], fingerprint: str, source: str) -> None:
    """Heads are only of use on the encoder and the cues that they were fitted on.

    Raises:
        ConfigurationError: these are others.
    """
    used = {"encoder": fingerprint, "cues": load_cues().fingerprint}
    for part, value in used.items():
        if card[part] != value:
            raise ConfigurationError(
                f"The heads {source} were fitted on the {part} {card[part]}, but the one in use is "
                f"{value}. Fit them anew, or go back to what they were fitted on."
            )


def language_heads(file: Any, language: str, card: Mapping[str, Any]) -> LanguageHeads:
    """The heads of one language from an open safetensors file."""

    def tensor(name: str) -> Vector:
        values: Vector = file.get_tensor(f"{language}.{name}")
        return values.astype(np.float32)

    names = tuple(card["names"][language])
    return LanguageHeads(
        names,
        tensor("dense"),
        np.ascontiguousarray(tensor("grams").T),
        tensor("bias"),
        tensor("slope"),
        tensor("run_margin"),
        tensor("idf"),
        _shifts(card.get("shifts", {}).get(language, {}), names),
    )


def _shifts(card: Mapping[str, Mapping[str, float]], names: Sequence[str]) -> dict[str, Vector]:
    kinds = {kind for shifts in card.values() for kind in shifts}
    return {
        kind: np.asarray([card.get(name, {}).get(kind, 0.0) for name in names], dtype=np.float32)
        for kind in kinds
    }
