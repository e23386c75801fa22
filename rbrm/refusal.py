"""What the answer did with the request: full compliance, partial refusal, full refusal.

Three heads over the whole answer give a score each; temperature and offsets, fitted on answers that the
heads had not seen, turn them into probabilities.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rbrm.answer import OUTCOMES, SILENT, UNREAD, Compliance
from rbrm.heads import Heads
from rbrm.reading import Reading, ReadQuestion

# An answer whose refusal is less likely than this has no sentence worth showing for it.
_WORTH_SHOWING = 0.3


def compliance(
    heads: Heads,
    reading: Reading,
    question: ReadQuestion,
    language: str,
    *,
    said_something: bool = True,
) -> Compliance:
    """What an answer did, read in its main language."""
    if not any(window.language == language for window in reading.windows):
        others = [window.language for window in reading.windows]
        if not others:
            return UNREAD if said_something else SILENT
        language = others[0]
    scores = heads.whole(reading, question, language)
    found = _calibrated(heads.calibrations[language], [scores[f"compliance/{n}"] for n in OUTCOMES])
    if found[0] > 1 - _WORTH_SHOWING:
        return Compliance(found[0], found[1], found[2])
    refusing = heads.sentences(reading, question, "compliance/full_refusal")
    shown = sorted((s for s in refusing if s[1] > 0), key=lambda pair: -pair[1])
    return Compliance(found[0], found[1], found[2], sentences=tuple(text for text, _ in shown))


def _calibrated(calibration: Mapping[str, Any], scores: Sequence[float]) -> list[float]:
    """Probability ∝ exp(temperature · score + offset), for each of OUTCOMES."""
    logits = calibration["temperature"] * np.asarray(scores) + np.asarray(calibration["offsets"])
    weights = np.exp(logits - logits.max())
    found: list[float] = (weights / weights.sum()).tolist()
    return found
