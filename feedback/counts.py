"""What an export held, left out, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from feedback.turns import PROVENANCE


@dataclass(slots=True)
class Counts:
    """Grows while an export runs.

    Attributes:
        turns: turns that were read.
        dropped: turns left out, by reason; `dropped_rows` rows of turns that stayed.
        made_by: turns by the versions of policy, judge, rubric, index and settings.
    """

    turns: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    dropped_rows: Counter[str] = field(default_factory=Counter)
    personal_data: Counter[str] = field(default_factory=Counter)
    task_types: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    persons: Counter[str] = field(default_factory=Counter)
    made_by: Counter[tuple[str, ...]] = field(default_factory=Counter)
    agreement: Mapping[str, Any] = field(default_factory=dict)

    def versions(self) -> dict[str, Counter[str]]:
        """Turns by policy version, by judge version, and so on."""
        found: dict[str, Counter[str]] = {name: Counter() for name in PROVENANCE}
        for versions, number in self.made_by.items():
            for name, version in zip(PROVENANCE, versions, strict=True):
                found[name][version] += number
        return found
