"""Direct preference optimisation (Rafailov et al. 2023): comparisons without a reward model."""

from __future__ import annotations

from typing import Any

from trl import DPOConfig, DPOTrainer

from training.trainers.arguments import fit, trainer_arguments
from training.trainers.data import read_data
from training.trainers.models import load_policy
from training.trainers.options import PreferenceOptions
from training.trainers.preferences import DEFAULTS, data_sets, outcome_of
from training.trainers.task import Outcome, Task

_SIDES = ("chosen", "rejected")


def train(task: Task) -> Outcome:
    """Train against the parent as it is."""
    options = task.options
    assert isinstance(options, PreferenceOptions)
    data = read_data(options.data, ("prompt", *_SIDES), options.seed)
    loaded = load_policy(task.policy, options)
    rows, held, counts = data_sets(data, _SIDES, loaded.tokenizer, options)
    chosen = DEFAULTS.chosen(options, len(rows))
    trainer = PlainDPOTrainer(
        loaded.model,
        args=DPOConfig(
            **trainer_arguments(task, chosen, loaded.on_gpu, DEFAULTS.schedule),
            beta=options.beta,
            loss_type=options.loss.split("+"),
            max_length=None,
            eval_strategy="epoch" if held else "no",
            per_device_eval_batch_size=chosen["batch"],
        ),
        train_dataset=rows,
        eval_dataset=held,
        processing_class=loaded.tokenizer,
    )
    return outcome_of(task, fit(trainer, task), data, counts, chosen)


class PlainDPOTrainer(DPOTrainer):  # type: ignore[misc]
    """TRL's trainer as it is."""

    def create_model_card(self, *args: Any, **options: Any) -> None:
        """The run has a card of its own."""
