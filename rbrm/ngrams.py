"""Heads over hashed character n-grams, for the Chinese that the embedded encoder can't read.

Long answers are read in overlapping runs of sentences, and the worst run counts, so that harm in one
place is not diluted. English was tried with word n-grams and left to the encoder, which finds seven
times as much at the same false alarms (docs/benchmarks.md).
"""

from __future__ import annotations

import json
import re
import unicodedata
import zlib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from contract.errors import ConfigurationError
from contract.passage import Vector
from rbrm.answer import Answer, Grade
from text.language import HAN
from text.sentences import sentence_spans

DIMENSIONS = 1 << 14

_RUNS = re.compile(rf"[{HAN}]+|[a-z0-9]+|[!?！？]")
# Fewer n-grams than this (about four characters) say nothing either way.
_MIN_NGRAMS = 9
# Longest run of sentences that is read as one piece, and how far the next run starts.
_RUN, _STEP = 2, 1


def ngrams(text: str) -> npt.NDArray[np.int64]:
    """The different hashed runs of 1 to 3 characters of a text, sorted."""
    runs = _RUNS.findall(unicodedata.normalize("NFKC", text).lower())
    grams = {run[i : i + n] for run in runs for n in (1, 2, 3) for i in range(len(run) - n + 1)}
    hashes = {zlib.crc32(gram.encode()) % DIMENSIONS for gram in grams}
    return np.fromiter(sorted(hashes), dtype=np.int64, count=len(hashes))


def runs_of(text: str) -> list[str]:
    """The pieces in which a text is read; together they hold every sentence."""
    spans = sentence_spans(text)
    if len(spans) <= _RUN:
        return [text]
    starts = range(0, len(spans) - _RUN + _STEP, _STEP)
    return [text[spans[i][0] : spans[min(i + _RUN, len(spans)) - 1][1]] for i in starts]


@dataclass(frozen=True, slots=True)
class NgramHeads:
    """`weights`: (h, DIMENSIONS + 1), the bias last; one row for each name."""

    names: tuple[str, ...]
    weights: Vector
    version: str

    def grades(self, answer: Answer) -> dict[str, Grade]:
        """The grade of each head over what is Chinese in an answer; nothing for a few characters."""
        text = answer.part("zh")
        if len(ngrams(text)) < _MIN_NGRAMS:
            return {}
        pieces = runs_of(text)
        logits = np.stack([_logits(self.weights, piece) for piece in pieces])
        worst = logits.argmax(axis=0)
        return {
            name: Grade(_sigmoid(float(logits[worst[i], i])), pieces[worst[i]])
            for i, name in enumerate(self.names)
        }


def load_ngram_heads(path: Path | None = None) -> NgramHeads:
    """Read the committed heads.

    Raises:
        ConfigurationError: the file is missing or damaged.
    """
    source = path or Path(str(files("rbrm.weights").joinpath("ngrams.safetensors")))
    try:
        with safe_open(source, framework="numpy") as file:
            card = json.loads(file.metadata()["card"])
            weights = file.get_tensor("zh").astype(np.float32)
        return NgramHeads(tuple(card["names"]), weights, card["version"])
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise ConfigurationError(
            f"The judge's n-gram heads {source} can't be read: {error}"
        ) from error


def _logits(weights: Vector, text: str) -> Vector:
    found = ngrams(text)
    # Unit length, so that long texts are not more of everything.
    scale = 1 / np.sqrt(max(1, len(found)))
    return np.asarray(weights[:, found].sum(axis=1) * scale + weights[:, -1], dtype=np.float32)


def _sigmoid(logit: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(logit, -30, 30))))
