"""A head for a proposition of the user's own, from some dozens of labelled answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field
from safetensors.numpy import save

from contract.errors import ConfigurationError
from contract.files import write_atomically
from contract.wire import Wire
from rbrm.answer import Answer, Question
from rbrm.cues import load_cues
from rbrm.grams import BUCKETS
from rbrm.linear import (
    FAMILIES,
    RIDGES,
    Features,
    best_threshold,
    out_of_fold,
    slope_of,
    solve,
)
from rbrm.reading import Reading, ReadQuestion, blocks, features, read_batch
from text.encoder import Encoder

# Fewer examples of either kind than this in a language, and no head is made for it.
LEAST_OF_EACH = 6
# The optimum of few examples lies too far out.
_SHRINK = 0.5


class LabelledAnswer(Wire):
    """One line of the file: an answer, yes or no, and the question if it matters."""

    answer: str = Field(min_length=1)
    label: bool
    question: str = ""


@dataclass(frozen=True)
class Trained:
    """What was learnt for one language, measured on folds that the weights have not seen."""

    language: str
    answers: int
    positives: int
    family: str
    accuracy: float
    balanced_accuracy: float
    floor_accuracy: float


def train_head(
    rows: Sequence[LabelledAnswer], encoder: Encoder, out: Path, name: str
) -> list[Trained]:
    """Fit a head for each language with enough examples and write it as safetensors.

    Raises:
        ConfigurationError: no language has enough answers of both kinds.
    """
    tensors: dict[str, Any] = {}
    reports, languages = [], []
    for language in ("en", "zh"):
        found = _read(rows, encoder, language)
        labels = np.asarray([label for _, _, label in found], dtype=bool)
        if min(int(labels.sum()), int((~labels).sum())) < LEAST_OF_EACH:
            continue
        fitted, report = _fit(found, labels, encoder, language)
        tensors |= fitted
        reports.append(report)
        languages.append(language)
    if not reports:
        raise ConfigurationError(
            f"There are too few labels: at least {LEAST_OF_EACH} answers with yes and "
            f"{LEAST_OF_EACH} with no are needed in a language. Some dozens of each are better."
        )
    content = json.dumps([row.model_dump() for row in rows], ensure_ascii=False)
    card = {
        "names": {language: [name] for language in languages},
        "encoder": encoder.fingerprint,
        "cues": load_cues().fingerprint,
        "version": hashlib.sha256(content.encode()).hexdigest()[:8],
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(out, save(tensors, metadata={"card": json.dumps(card)}))
    return reports


def _read(
    rows: Sequence[LabelledAnswer], encoder: Encoder, language: str
) -> list[tuple[ReadQuestion, Reading, bool]]:
    found = []
    for row in rows:
        answer = Answer.of(row.question, row.answer)
        if answer.language == language:
            batch = read_batch(encoder, Question(row.question), [answer])
            if batch.answers[0].whole(language) is not None:
                found.append((batch.question, batch.answers[0], row.label))
    return found


def _fit(
    found: Sequence[tuple[ReadQuestion, Reading, bool]],
    labels: np.ndarray[Any, np.dtype[np.bool_]],
    encoder: Encoder,
    language: str,
) -> tuple[dict[str, Any], Trained]:
    wholes = [whole for _, reading, _ in found if (whole := reading.whole(language))]
    dense = np.concatenate([features([w], q) for w, (q, _, _) in zip(wholes, found, strict=True)])
    table = Features.of(dense, [w.buckets for w in wholes], blocks(encoder.dimensions), BUCKETS)
    rows, base = np.arange(len(labels)), np.ones(len(labels))
    # Every fold gets its share of both kinds.
    groups = np.empty(len(labels), dtype=np.int64)
    for kind in (labels, ~labels):
        groups[kind] = np.arange(kind.sum())
    best: tuple[float, str, float, float, Any] | None = None
    for family, blocks_of in FAMILIES.items():
        kernel = table.kernel(blocks_of)
        for ridge in RIDGES:
            scores = out_of_fold(kernel, rows, labels, base, groups, ridge)
            value, threshold = best_threshold(scores, labels)
            if best is None or value > best[0]:
                best = (value, family, ridge, _SHRINK * threshold, scores)
    assert best is not None
    _, family, ridge, threshold, scores = best
    dual = solve(table.kernel(FAMILIES[family]), rows, labels, base, ridge)
    weights, grams, bias = table.primal(FAMILIES[family], dual, rows)
    held = scores > threshold
    recalls = [held[labels].mean(), (~held)[~labels].mean()]
    tensors = {
        "dense": weights[None].astype(np.float32),
        "grams": grams[None].astype(np.float16),
        "bias": np.asarray([bias - threshold], dtype=np.float32),
        "slope": np.asarray([slope_of(scores, labels, threshold)], dtype=np.float32),
        "run_margin": np.asarray([np.inf], dtype=np.float32),
        "idf": table.idf.astype(np.float32),
    }
    return {f"{language}.{n}": tensor for n, tensor in tensors.items()}, Trained(
        language,
        len(labels),
        int(labels.sum()),
        family,
        round(float((held == labels).mean()), 3),
        round(float(np.mean(recalls)), 3),
        round(float(max(labels.mean(), 1 - labels.mean())), 3),
    )
