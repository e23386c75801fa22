"""RLOO (Ahmadian et al. 2024): reward − β · KL(policy ‖ parent), against the mean of the prompt's other answers.

That is the objective of PPO in Ouyang et al. 2022, section 3.5, without its value function: PPO itself is kept up by
no library here, and this is the nearest form that is.
"""

from __future__ import annotations

from typing import Any

from trl import RLOOConfig, RLOOTrainer

from training.trainers.own_card import OwnCard
from training.trainers.pretraining import PretrainingMix
from training.trainers.reinforcement import reinforce
from training.trainers.sampling import DrawsByEpoch
from training.trainers.task import Outcome, Task


class MixedRLOOTrainer(OwnCard, PretrainingMix, DrawsByEpoch, RLOOTrainer):  # type: ignore[misc]
    """TRL's trainer, with the pretraining mix and an order of prompts that can be taken up again."""


def train(task: Task) -> Outcome:
    """Reinforce what the judge rewards, less the distance to the parent."""

    def build(loaded: Any, arguments: dict[str, Any], rows: Any, reward: Any) -> MixedRLOOTrainer:
        return MixedRLOOTrainer(
            loaded.model,
            reward_funcs=reward,
            args=RLOOConfig(**arguments),
            train_dataset=rows,
            processing_class=loaded.tokenizer,
        )

    return reinforce(task, build)
