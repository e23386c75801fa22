"""What DPO and KTO share: rows in TRL's columns, and a parent that is also the reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from datasets import Dataset

from training.trainers.arguments import Defaults, fit, result_of, trainer_arguments
from training.trainers.data import Data, Row, as_messages, read_data, said
from training.trainers.models import load_policy
from training.trainers.options import PreferenceOptions
from training.trainers.task import Outcome, Task
from training.trainers.tokens import ends_turns, template_ids

# Rate: TRL's (all weights), ten times that for an adapter (Schulman et al. 2025, "LoRA without regret").
DEFAULTS = Defaults((3, 1), (8, 32), 1e-5, 1e-6, "linear")


def preference_rows(
    rows: Sequence[Row], sides: Sequence[str], tokenizer: Any, most: int
) -> tuple[list[Row], int]:
    """Rows with nothing but what the trainer reads, and how many were too long.

    Where the chat template does not end a turn with the end-of-text token, they are given as text, to
    which TRL adds it.
    """
    ends = ends_turns(tokenizer)
    kept = []
    for row in rows:
        prompt = as_messages(row["prompt"], "user")
        longest = max(len(tokenizer(said(row[s]))["input_ids"]) for s in sides)
        if len(template_ids(tokenizer, prompt, prompt=True)) + longest + 2 > most:
            continue
        found: Row = {} if "label" not in row else {"label": bool(row["label"])}
        if ends:
            found["prompt"] = prompt
            found |= {s: [{"role": "assistant", "content": said(row[s])}] for s in sides}
        else:
            found["prompt"] = tokenizer.apply_chat_template(
                prompt, tokenize=False, add_generation_prompt=True
            )
            found |= {s: said(row[s]) for s in sides}
        kept.append(found)
    return kept, len(rows) - len(kept)


def data_sets(
    data: Data, sides: Sequence[str], tokenizer: Any, options: PreferenceOptions
) -> tuple[Dataset, Dataset | None, dict[str, int]]:
    """Rows to train on, rows to validate on, and how many there are of each."""
    train_rows, long_train = preference_rows(data.train, sides, tokenizer, options.max_tokens)
    held, long_held = preference_rows(data.validation, sides, tokenizer, options.max_tokens)
    counts = {"train": len(train_rows), "validation": len(held), "too_long": long_train + long_held}
    return Dataset.from_list(train_rows), Dataset.from_list(held) if held else None, counts


def prefer(
    task: Task,
    trainer_of: Any,
    arguments_of: Any,
    *,
    sides: Sequence[str],
    marks: Sequence[str] = (),
    several_losses: bool = False,
) -> Outcome:
    """Train with one of TRL's trainers against the parent as it is; the last checkpoint is the result.

    Args:
        trainer_of, arguments_of: the trainer and its configuration.
        sides: the columns with answers; `marks` are those that the rows must have besides.
        several_losses: whether the trainer takes a list of losses.
    """
    options = task.options
    assert isinstance(options, PreferenceOptions)
    data = read_data(options.data, ("prompt", *sides, *marks), options.seed)
    loaded = load_policy(task.policy, options)
    rows, held, counts = data_sets(data, sides, loaded.tokenizer, options)
    chosen = DEFAULTS.chosen(options, len(rows))
    trainer = trainer_of(
        loaded.model,
        args=arguments_of(
            **trainer_arguments(task, chosen, loaded.on_gpu, DEFAULTS.schedule),
            beta=options.beta,
            loss_type=options.loss.split("+") if several_losses else options.loss,
            max_length=None,
            eval_strategy="epoch" if held else "no",
            per_device_eval_batch_size=chosen["batch"],
        ),
        train_dataset=rows,
        eval_dataset=held,
        processing_class=loaded.tokenizer,
    )
    trained = fit(trainer, task)
    return Outcome(
        weights="model" if options.weights == "full" else "adapter",
        result=result_of(task, loaded.tokenizer, trained.steps),
        history=trained.history,
        steps=trained.steps,
        data=data.hashes,
        rows=counts,
        chosen=chosen,
        resumed=trained.resumed,
    )
