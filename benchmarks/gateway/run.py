"""What one call of the benchmark was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Run:
    """How long and how often to measure; `pythons` names the environments of other gateways."""

    seconds: float = 2.0
    rounds: int = 5
    quick: bool = False
    minutes: float = 10.0
    workers: int = 2
    profile: str | None = None
    pythons: Mapping[str, str | None] = field(default_factory=dict)
