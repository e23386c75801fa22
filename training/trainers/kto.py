"""Kahneman-Tversky optimisation (Ethayarajh et al. 2024): single answers with a thumb up or down."""

from __future__ import annotations

from trl import KTOConfig, KTOTrainer

from training.trainers.own_card import OwnCard
from training.trainers.preferences import prefer
from training.trainers.task import Outcome, Task


def train(task: Task) -> Outcome:
    """Train against the parent as it is."""
    return prefer(task, PlainKTOTrainer, KTOConfig, sides=("completion",), marks=("label",))


class PlainKTOTrainer(OwnCard, KTOTrainer):  # type: ignore[misc]
    """TRL's trainer as it is."""
