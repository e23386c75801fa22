"""GRPO (Shao et al. 2024): each answer is rewarded against the others to its prompt.

The loss is theirs: averaged over each answer's tokens and then over answers, rewards divided by their
group's deviation, KL to the parent within the loss. TRL's own defaults are another variant (loss `dapo`, β = 0).
"""

from __future__ import annotations

from typing import Any

from trl import GRPOConfig, GRPOTrainer

from training.trainers.options import RLOptions
from training.trainers.own_card import OwnCard
from training.trainers.pretraining import PretrainingMix
from training.trainers.reinforcement import reinforce
from training.trainers.sampling import DrawsByEpoch
from training.trainers.task import Outcome, Task


class MixedGRPOTrainer(OwnCard, PretrainingMix, DrawsByEpoch, GRPOTrainer):  # type: ignore[misc]
    """TRL's trainer, with the pretraining mix and an order of prompts that can be taken up again."""


def train(task: Task) -> Outcome:
    """Reinforce what the judge rewards."""
    options = task.options
    assert isinstance(options, RLOptions)

    def build(loaded: Any, arguments: dict[str, Any], rows: Any, reward: Any) -> MixedGRPOTrainer:
        return MixedGRPOTrainer(
            loaded.model,
            reward_funcs=reward,
            args=GRPOConfig(
                **arguments, loss_type=options.loss, scale_rewards=options.scale, epsilon=0.2
            ),
            train_dataset=rows,
            processing_class=loaded.tokenizer,
        )

    return reinforce(task, build)
