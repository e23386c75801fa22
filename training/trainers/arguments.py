"""What all of TRL's trainers are told, and how one is run to its end or taken up again."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accelerate import PartialState
from transformers import PrinterCallback, ProgressCallback

from contract.errors import ConfigurationError
from training.runs.checkpoints import checkpoint_at, clean, whole_steps
from training.trainers.options import SMALL, Options
from training.trainers.steps import Bar, Checkpoints, Distance
from training.trainers.task import Task

_NOT_RESULT = (
    "optimizer.pt",
    "scheduler.pt",
    "rng_state",
    "trainer_state.json",
    "training_args.bin",
)
_NO_RESULT = (*_NOT_RESULT, "whole.json", "README.md", "scaler.pt")


@dataclass(frozen=True)
class Defaults:
    """Defaults of a kind: (for small sets, for large ones), and by what is trained."""

    epochs: tuple[float, float]
    batch: tuple[int, int]
    lora_rate: float
    full_rate: float
    schedule: str

    def chosen(self, options: Options, rows: int) -> dict[str, Any]:
        """The options that were left open, for a set of this size."""
        large = int(rows >= SMALL)
        rate = self.full_rate if options.weights == "full" else self.lora_rate
        return {
            "epochs": options.epochs or (None if options.steps else self.epochs[large]),
            "batch": options.batch or min(self.batch[large], max(1, rows)),
            "learning_rate": options.learning_rate or rate,
        }


def trainer_arguments(
    task: Task, chosen: Mapping[str, Any], gpu: bool, schedule: str, *, per_row: int = 1
) -> dict[str, Any]:
    """Arguments for any of TRL's configurations.

    Args:
        per_row: sequences that one row of the batch becomes.

    Raises:
        ConfigurationError: the batch can't be cut as asked.
    """
    options = task.options
    pieces = options.accumulate * PartialState().num_processes
    sequences = chosen["batch"] * per_row
    if sequences % pieces:
        raise ConfigurationError(
            f"A batch of {sequences} sequences can't be cut into {pieces} equal pieces; change --batch or "
            "--accumulate."
        )
    return {
        "output_dir": str(task.folder.checkpoints),
        "per_device_train_batch_size": sequences // pieces,
        "gradient_accumulation_steps": options.accumulate,
        "learning_rate": chosen["learning_rate"],
        "lr_scheduler_type": schedule,
        "num_train_epochs": chosen["epochs"] or 1,
        "max_steps": options.steps or -1,
        "seed": options.seed,
        "data_seed": options.seed,
        "use_cpu": not gpu,
        "bf16": gpu,
        "gradient_checkpointing": gpu,
        "dataloader_pin_memory": gpu,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": [],
        "disable_tqdm": True,
    }


@dataclass(frozen=True)
class Trained:
    """A trainer that came to its end; `resumed` is the step at which it was taken up."""

    trainer: Any
    checkpoints: Checkpoints
    distance: Distance
    resumed: int

    @property
    def history(self) -> list[dict[str, Any]]:
        """What was logged, without the summary that the trainer adds of the whole run."""
        log: list[dict[str, Any]] = self.trainer.state.log_history
        return [entry for entry in log if "train_runtime" not in entry]

    @property
    def steps(self) -> int:
        """How many steps the run has."""
        return int(self.trainer.state.global_step)


def fit(
    trainer: Any,
    task: Task,
    *,
    kl_budget: float | None = None,
    keep_epochs: bool = False,
    together: int = 1,
) -> Trained:
    """Train to the end, from the last whole checkpoint where there is one; none lies between steps that belong
    `together`."""
    folder = task.folder.checkpoints
    state = PartialState()
    if state.is_main_process:
        folder.mkdir(exist_ok=True)
        clean(folder)
    state.wait_for_everyone()
    steps = whole_steps(folder)
    resumed = steps[-1] if steps else 0
    if resumed:
        task.note(f"Interrupted, and taken up again at step {resumed}.")
    checkpoints = Checkpoints(
        folder, task.options.save_every, keep_epochs=keep_epochs, together=together
    )
    distance = Distance(kl_budget, task.note)
    for unwanted in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(unwanted)
    for callback in (distance, checkpoints, Bar(task.progress)):
        trainer.add_callback(callback)
    trainer.train(resume_from_checkpoint=str(checkpoint_at(folder, resumed)) if resumed else None)
    return Trained(trainer, checkpoints, distance, resumed)


def result_of(task: Task, tokenizer: Any, step: int) -> Path:
    """A folder with the weights of a checkpoint, and no more; full weights get their tokenizer."""
    source = checkpoint_at(task.folder.checkpoints, step)
    draft = task.folder.draft("result")
    for path in source.iterdir():
        if path.is_file() and not path.name.startswith(_NO_RESULT):
            shutil.copyfile(path, draft / path.name)
    tokenizer.save_pretrained(draft)
    return draft


def within_budget(task: Task, trained: Trained) -> int:
    """The step of the checkpoint that is kept.

    Raises:
        ConfigurationError: the policy had left its budget before the first checkpoint.
    """
    step = trained.distance.last_within(whole_steps(task.folder.checkpoints))
    if step is None:
        raise ConfigurationError(
            "The policy left its budget before the first checkpoint. Lower --learning-rate, raise --beta or "
            "--kl-budget, or set --save-every 1; then start with --fresh."
        )
    if trained.distance.exceeded_at is not None:
        task.note(f"Kept: the policy of step {step}, the last one found within the budget.")
    return step
