"""Supervised fine-tuning: the policy imitates good answers, and learns from the answer only."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from datasets import Dataset
from trl import SFTConfig, SFTTrainer

from contract.weights import file_digest
from training.trainers.arguments import Defaults, Trained, fit, result_of, trainer_arguments
from training.trainers.data import Row, as_messages, read_data, read_rows, said
from training.trainers.models import load_policy
from training.trainers.options import SFTOptions
from training.trainers.own_card import OwnCard
from training.trainers.selection import Selector, build_selector
from training.trainers.task import Outcome, Task
from training.trainers.tokens import answered_ids

# Rates: Dettmers et al. 2023 (LoRA), TRL (full weights). Cosine: Ouyang et al. 2022. Small sets are read
# more often: there the checkpoint is chosen, so reading too often is found out.
DEFAULTS = Defaults((5, 2), (8, 32), 2e-4, 2e-5, "cosine")

_COLUMNS = ("prompt", "completion")
_IGNORED = -100


def train(task: Task) -> Outcome:
    """Fine-tune, and choose the checkpoint among the ends of the epochs."""
    options = task.options
    assert isinstance(options, SFTOptions)
    data = read_data(options.data, _COLUMNS, options.seed)
    hashes = dict(data.hashes)
    rows = data.train
    chosen = DEFAULTS.chosen(options, len(rows))
    loaded = load_policy(task.policy, options)
    tokens = partial(_tokens, loaded.tokenizer, options.max_tokens)
    train_rows, validation = tokens(rows), tokens(data.validation)
    counts = _counts(data.counts, train_rows, validation)
    if options.general is not None:
        general = tokens(_general(options, len(train_rows)))
        hashes[str(options.general)] = file_digest(options.general)
        counts["general"] = len(general)
        train_rows = train_rows + general
    arguments = trainer_arguments(task, chosen, loaded.on_gpu, DEFAULTS.schedule)
    trainer = ChoosingSFTTrainer(
        loaded.model,
        args=SFTConfig(
            **arguments,
            max_length=None,
            eval_strategy="epoch" if validation else "no",
            per_device_eval_batch_size=arguments["per_device_train_batch_size"],
        ),
        train_dataset=Dataset.from_list(train_rows),
        eval_dataset=Dataset.from_list(validation) if validation else None,
        processing_class=loaded.tokenizer,
    )
    if options.reward_model and data.validation:
        trainer.selector = build_selector(options, data.validation, loaded.tokenizer)
    trained = fit(trainer, task, keep_epochs=bool(validation))
    step, metrics = _choose(task, trained)
    return Outcome(
        weights="model" if options.weights == "full" else "adapter",
        result=result_of(task, loaded.tokenizer, step),
        history=trained.history,
        steps=trained.steps,
        data=hashes,
        rows=counts,
        chosen=chosen,
        metrics=metrics,
        resumed=trained.resumed,
    )


class ChoosingSFTTrainer(OwnCard, SFTTrainer):  # type: ignore[misc]
    """TRL's trainer; beside the validation loss it logs what a reward model says of greedy answers."""

    selector: Selector | None = None

    def evaluate(self, *args: Any, **options: Any) -> dict[str, float]:
        found: dict[str, float] = super().evaluate(*args, **options)
        if self.selector is not None:
            found["eval_reward"] = self.selector.mean_reward(
                self.accelerator.unwrap_model(self.model)
            )
            self.log({"eval_reward": found["eval_reward"]})
        return found


def _choose(task: Task, trained: Trained) -> tuple[int, dict[str, float]]:
    """The checkpoint with the best reward, else with the smallest validation loss, else the last."""
    for name, sign, told in (
        ("eval_reward", 1.0, "the reward model"),
        ("eval_loss", -1.0, "the validation loss"),
    ):
        found = {e["step"]: e[name] for e in trained.history if name in e}
        if found:
            step = max(found, key=lambda s: sign * found[s])
            task.note(f"The checkpoint of step {step} was chosen by {told} ({found[step]:.4g}).")
            return int(step), {"chosen_step": float(step), f"chosen_{name}": found[step]}
    task.note("There were no rows to validate on, so the last checkpoint was taken.")
    return trained.steps, {}


def _tokens(tokenizer: Any, most: int, rows: Sequence[Row]) -> list[dict[str, list[int]]]:
    """Rows as tokens; the prompt's count for nothing in the loss. Rows that are too long are left out."""
    found = []
    for row in rows:
        prompt = as_messages(row["prompt"], "user")
        before, after = answered_ids(tokenizer, prompt, said(row["completion"]))
        if len(before) + len(after) <= most:
            labels = [_IGNORED] * len(before) + after
            found.append({"input_ids": before + after, "labels": labels})
    return found


def _counts(
    read: dict[str, int], train_rows: Sequence[Any], validation: Sequence[Any]
) -> dict[str, int]:
    kept = {"train": len(train_rows), "validation": len(validation)}
    return kept | {"too_long": sum(read.values()) - sum(kept.values())}


def _general(options: SFTOptions, rows: int) -> list[Row]:
    """General rows, by lot, so that they are the asked share of all."""
    assert options.general is not None
    found = read_rows(Path(options.general), _COLUMNS)
    wanted = round(rows * options.general_share / (1 - options.general_share))
    return random.Random(options.seed).sample(found, min(wanted, len(found)))
