"""What people preferred, where both policies have answered them."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from contract.evaluation import Metric
from contract.intervals import wilson
from training.evaluation.figures import rounded
from training.evaluation.prompts import read_rows


class _Vote(BaseModel):
    """A row of an `rm` export."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    chosen: Any
    rejected: Any
    chosen_policy_version: str | None = None
    rejected_policy_version: str | None = None
    group: str | None = None
    source: str = "human"
    kind: str | None = None


def votes(path: Path, a: str, b: str) -> Metric:
    """b's share of wins against a by people. Several votes on one turn count as one together, since they
    are about the same answers; votes of judges and between other versions do not count.

    Args:
        a, b: what log rows of these policies say.
    """
    by_turn: dict[str, list[float]] = defaultdict(list)
    for place, row in read_rows(path, _Vote):
        sides = (row.chosen_policy_version, row.rejected_policy_version)
        if row.source == "human" and sides in ((a, b), (b, a)):
            by_turn[row.group or place].append(float(sides == (b, a)))
    if not by_turn:
        return Metric(name="human_win_rate")
    wins = sum(sum(found) / len(found) for found in by_turn.values())
    share = rounded(wilson(wins, len(by_turn)))
    return Metric(name="human_win_rate", difference=share, count=len(by_turn))
