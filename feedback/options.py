"""What is asked of an export, and what came of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["sft", "rm", "dpo", "kto", "grpo"]

KINDS: tuple[Kind, ...] = ("sft", "rm", "dpo", "kto", "grpo")


@dataclass(frozen=True, slots=True)
class Options:
    """What goes into an export.

    Attributes:
        source: `human`, `judge`, or `both`; every row says which it came from.
        min_margin: smallest difference of rewards that counts as a judge's preference.
        validation: share of conversations that go into `validation.jsonl`.
        seed: with the same log and options, the same seed gives the same bytes.
    """

    kind: Kind
    source: Literal["human", "judge", "both"] = "human"
    min_margin: float = 1.0
    validation: float = 0.1
    seed: int = 0

    @property
    def human(self) -> bool:
        return self.source in ("human", "both")

    @property
    def judge(self) -> bool:
        return self.source in ("judge", "both")


@dataclass(slots=True)
class Counts:
    """What an export held and left out."""

    turns: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    versions: dict[str, Counter[str]] = field(default_factory=dict)
