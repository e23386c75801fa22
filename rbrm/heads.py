"""The trained heads: logistic regressions over one sentence encoding.

They are safetensors beside a card (`rbrm/weights/README.md`), fitted by `training/judge_heads.py` on
the encoder whose fingerprint they carry; with another encoder they would be noise, so that is an
error.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from contract.errors import ConfigurationError
from contract.passage import Vector
from rbrm.encoded import EncodedBatch


@dataclass(frozen=True, slots=True)
class Heads:
    """`weights`: (h, d + 1), the bias last; one row for each name."""

    names: tuple[str, ...]
    weights: Vector
    version: str

    def probabilities(self, batch: EncodedBatch) -> list[Mapping[str, float]]:
        """For each answer the probability of each head; the worst window counts.

        An answer that the encoder can't read has no probabilities.
        """
        return [
            dict(zip(self.names, self._of(rows).max(axis=0).tolist(), strict=True))
            if len(rows)
            else {}
            for rows in batch.windows
        ]

    def of_question(self, batch: EncodedBatch) -> Mapping[str, float]:
        """The same heads over the question's vector."""
        if batch.question is None:
            return {}
        return dict(zip(self.names, self._of(batch.question[None, :])[0].tolist(), strict=True))

    def select(self, prefix: str) -> Heads:
        """The heads whose name starts with `prefix/`, without it."""
        chosen = [i for i, name in enumerate(self.names) if name.startswith(prefix + "/")]
        names = tuple(self.names[i].split("/", 1)[1] for i in chosen)
        return Heads(names, self.weights[chosen], self.version)

    def _of(self, rows: Vector) -> Vector:
        logits = rows @ self.weights[:, :-1].T + self.weights[:, -1]
        return np.asarray(1 / (1 + np.exp(-np.clip(logits, -30, 30))), dtype=np.float32)


def load_heads(fingerprint: str, path: Path | None = None) -> Heads:
    """Read the heads for an encoder.

    Raises:
        ConfigurationError: they are missing, or were fitted on another encoder.
    """
    source = path or Path(str(files("rbrm.weights").joinpath("heads.safetensors")))
    try:
        with safe_open(source, framework="numpy") as file:
            card = json.loads(file.metadata()["card"])
            weights = file.get_tensor("weights")
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise ConfigurationError(f"The judge's heads {source} can't be read: {error}") from error
    if card["encoder"] != fingerprint:
        raise ConfigurationError(
            f"The judge's heads were fitted on the encoder {card['encoder']}, but the one "
            f"in use is {fingerprint}. Use retrieval.encoder=minilm, or fit them anew with "
            "`python -m training.judge_heads`."
        )
    return Heads(tuple(card["names"]), weights, card["version"])
