"""Direct preference optimisation (Rafailov et al. 2023): comparisons without a reward model."""

from __future__ import annotations

from trl import DPOConfig, DPOTrainer

from training.trainers.own_card import OwnCard
from training.trainers.preferences import prefer
from training.trainers.task import Outcome, Task


def train(task: Task) -> Outcome:
    """Train against the parent as it is."""
    return prefer(
        task, PlainDPOTrainer, DPOConfig, sides=("chosen", "rejected"), several_losses=True
    )


class PlainDPOTrainer(OwnCard, DPOTrainer):  # type: ignore[misc]
    """TRL's trainer as it is."""
