"""How much each term of the reward counts in training."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Weights:
    """How much each term of the reward counts."""

    judge: float = 1.0
    correctness: float = 1.0
    format: float = 0.25
    language: float = 0.25
    length: float = 0.25
    repetition: float = 0.25
