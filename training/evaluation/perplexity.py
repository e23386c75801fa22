"""How well a checkpoint foretells texts that it has not seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson

from contract.errors import ConfigurationError
from contract.evaluation import Interval, Metric
from contract.progress import Progress
from training.evaluation.figures import rounded
from training.evaluation.generate import LocalPolicy
from training.evaluation.intervals import Values, bootstrap


@dataclass(frozen=True)
class Surprise:
    """Of each text: the sum of −ln p of its tokens, how many tokens were foretold, and its UTF-8 bytes."""

    nats: Values
    tokens: Values
    bytes: Values


def read_texts(path: Path) -> list[str]:
    """Texts of a file: lines of {"text": …}, else paragraphs parted by blank lines.

    Raises:
        ConfigurationError: the file can't be read, a line has no text, or there is none at all.
    """
    try:
        content = path.read_text(encoding="utf-8")
        if path.suffix == ".jsonl":
            texts = [
                str(orjson.loads(line)["text"]) for line in content.split("\n") if line.strip()
            ]
        else:
            texts = content.split("\n\n")
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ConfigurationError(f"{path} holds no texts to read: {error}") from error
    texts = [text.strip() for text in texts if text.strip()]
    if not texts:
        raise ConfigurationError(f"{path} is empty.")
    return texts


def surprise(policy: LocalPolicy, texts: Sequence[str], progress: Progress) -> Surprise:
    """Read the texts. One that is longer than the context is read in pieces of that length, the first
    token of each piece being given."""
    import torch

    nats, tokens = np.zeros(len(texts)), np.zeros(len(texts))
    first = policy.tokenizer.bos_token_id
    for number, text in enumerate(texts):
        ids = policy.tokenizer(text, add_special_tokens=False)["input_ids"]
        ids = ids if first is None else [first, *ids]
        for start in range(0, len(ids) - 1, policy.context - 1):
            piece = torch.tensor([ids[start : start + policy.context]], device=policy.model.device)
            with torch.inference_mode():
                logits = policy.model(input_ids=piece).logits[0, :-1].float()
            loss = torch.nn.functional.cross_entropy(logits, piece[0, 1:], reduction="sum")
            nats[number] += float(loss)
            tokens[number] += piece.shape[1] - 1
        progress(f"{policy.name} reads", number + 1, len(texts))
    sizes = np.asarray([float(len(text.encode())) for text in texts])
    return Surprise(nats, tokens, sizes)


def perplexity_metrics(a: Surprise, b: Surprise, seed: int) -> list[Metric]:
    """`perplexity` for each token, where both part the texts alike, and `bits_per_byte`, which can be
    compared where they do not."""
    metrics = [_metric("bits_per_byte", a, b, a.bytes, b.bytes, seed)]
    if np.array_equal(a.tokens, b.tokens):
        metrics.insert(0, _metric("perplexity", a, b, a.tokens, b.tokens, seed))
    return metrics


def _metric(name: str, a: Surprise, b: Surprise, per_a: Values, per_b: Values, seed: int) -> Metric:
    def figure(nats: Values, per: Values) -> float:
        mean = float(nats.sum() / per.sum())
        return math.exp(mean) if name == "perplexity" else mean / math.log(2)

    def difference(rows: np.ndarray[tuple[int, ...], np.dtype[np.intp]]) -> float:
        return figure(b.nats[rows], per_b[rows]) - figure(a.nats[rows], per_a[rows])

    found: Interval | None = None
    if len(a.nats) > 1:
        found = rounded(bootstrap(len(a.nats), difference, seed))
    return Metric(
        name=name,
        a=round(figure(a.nats, per_a), 6),
        b=round(figure(b.nats, per_b), 6),
        difference=found,
        count=len(a.nats),
        better="lower",
    )
