"""A reward model: the policy with a scalar head, trained on comparisons of answers.

    loss = −1 / C(K, 2) · E[ log σ(r(x, y_w) − r(x, y_l)) ]          (Ouyang et al. 2022, equation 1)

All pairs of a prompt are in one batch, and each answer is read once, however many pairs it is in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from datasets import Dataset
from torch import Tensor
from trl import RewardConfig, RewardTrainer

from contract.intervals import wilson
from contract.weights import file_digest
from training.trainers.arguments import Defaults, fit, trainer_arguments
from training.trainers.comparisons import Comparisons, collate, comparisons_of, conversation_ids
from training.trainers.data import read_data, read_rows, said
from training.trainers.models import load_scorer
from training.trainers.options import RMOptions
from training.trainers.own_card import OwnCard
from training.trainers.task import Outcome, Task

# One pass over large sets: Ouyang et al. 2022 found reward models to overfit soon. Rates: TRL (adapter), Ouyang et
# al. 2022 (9e-6, all weights). Cosine: the same.
DEFAULTS = Defaults((3, 1), (16, 64), 1e-4, 9e-6, "cosine")

_COLUMNS = ("prompt", "chosen", "rejected")
# So many prompts, or references, give mean and deviation to a few percent.
_MEASURED = 1000


def train(task: Task) -> Outcome:
    """Train on the comparisons, measure on held-out ones, and find mean and deviation."""
    options = task.options
    assert isinstance(options, RMOptions)
    data = read_data(options.data, _COLUMNS, options.seed)
    hashes = dict(data.hashes)
    loaded = load_scorer(task.policy, options)
    prompts, long_train = comparisons_of(data.train, loaded.tokenizer, options)
    held_out, long_held_out = comparisons_of(data.validation, loaded.tokenizer, options)
    chosen = DEFAULTS.chosen(options, len(prompts))
    trainer = GroupedRewardTrainer(
        loaded.model,
        args=RewardConfig(
            **trainer_arguments(task, chosen, loaded.on_gpu, DEFAULTS.schedule),
            max_length=None,
            remove_unused_columns=False,
            disable_dropout=True,
        ),
        train_dataset=Dataset.from_list([p.to_row() for p in prompts]),
        processing_class=loaded.tokenizer,
        data_collator=lambda rows: collate(rows, loaded.tokenizer.pad_token_id),
    )
    trained = fit(trainer, task)
    model = _finished(trainer)
    references = None
    if options.demonstrations is not None:
        rows = read_rows(options.demonstrations, ("prompt", "completion"))
        references = [conversation_ids(loaded.tokenizer, r, said(r["completion"])) for r in rows]
        hashes[str(options.demonstrations)] = file_digest(options.demonstrations)
    scale = scale_of(model, prompts, references)
    metrics = scale | accuracy_of(model, held_out)
    _tell(task, metrics, bool(data.split_here))
    return Outcome(
        weights="model",
        result=_saved(task, model, loaded.tokenizer),
        history=trained.history,
        steps=trained.steps,
        data=hashes,
        rows=data.counts | {"prompts": len(prompts), "too_long": long_train + long_held_out},
        chosen=chosen,
        metrics=metrics,
        resumed=trained.resumed,
    )


class GroupedRewardTrainer(OwnCard, RewardTrainer):  # type: ignore[misc]
    """TRL's trainer with equation 1: a row of the data is a prompt with all of its comparisons."""

    def compute_loss(
        self,
        model: Any,
        inputs: Mapping[str, Tensor],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        rewards = rewards_of(model, inputs["input_ids"], inputs["attention_mask"])
        difference = rewards[inputs["chosen"]] - rewards[inputs["rejected"]]
        loss = pairwise_loss(difference, inputs["weight"], inputs["margin"])
        mode = "train" if self.model.training else "eval"
        right = (difference > 0).float().mean().detach()
        self._metrics[mode]["accuracy"].append(self.accelerator.gather(right).mean().item())
        self._metrics[mode]["margin"].append(difference.mean().item())
        return (loss, {"rewards": rewards}) if return_outputs else loss


def pairwise_loss(difference: Tensor, weight: Tensor, margin: Tensor) -> Tensor:
    """Equation 1 for pairs (p,): `weight` is 1 / C(K, 2) for the pairs of a prompt with K answers, so that
    their sum is the number of prompts."""
    losses = torch.nn.functional.softplus(-(difference - margin))
    return (weight * losses).sum() / weight.sum()


def rewards_of(model: Any, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
    """The raw reward (b,) of each conversation, read at its last token.

    The model's own pooling would take a conversation's end for padding where the policy pads with its
    end-of-text token.
    """
    inner = model.module if hasattr(model, "module") else model
    hidden = _body(inner)(input_ids=input_ids, attention_mask=attention_mask, use_cache=False)
    last = attention_mask.sum(dim=1) - 1
    states = hidden.last_hidden_state[torch.arange(len(last), device=last.device), last]
    logits: Tensor = _head(inner)(states.to(_dtype(inner)))
    return logits[:, 0].float()


def _scorer(model: Any) -> Any:
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def _body(model: Any) -> Any:
    return getattr(_scorer(model), _scorer(model).base_model_prefix)


def _head(model: Any) -> Any:
    return _scorer(model).score


def _dtype(model: Any) -> torch.dtype:
    found: torch.dtype = next(_head(model).parameters()).dtype
    return found


def _finished(trainer: Any) -> Any:
    """The model with its adapter merged, ready to be used."""
    model = trainer.accelerator.unwrap_model(trainer.model)
    if hasattr(model, "merge_and_unload"):
        model = model.merge_and_unload()
    return model.eval()


def _saved(task: Task, model: Any, tokenizer: Any) -> Any:
    """A checkpoint in single precision that reads the last token of a conversation, as vLLM does."""
    draft = task.folder.draft("result")
    model.config.pad_token_id = None
    model.float().save_pretrained(draft, safe_serialization=True)
    tokenizer.save_pretrained(draft)
    return draft


def raw_rewards(model: Any, sequences: Sequence[Sequence[int]]) -> list[float]:
    """The raw reward of each conversation, one after another, as the judge asks for them."""
    found = []
    with torch.inference_mode():
        for ids in sequences:
            tokens = torch.tensor([list(ids)], device=model.device)
            found.append(float(rewards_of(model, tokens, torch.ones_like(tokens))[0]))
    return found


def scale_of(
    model: Any, prompts: Sequence[Comparisons], references: Sequence[Sequence[int]] | None
) -> dict[str, float]:
    """What makes the mean reward of reference answers 0 and the deviation over all answers 1."""
    prompts = prompts[:_MEASURED]
    answers = [raw_rewards(model, prompt.sequences) for prompt in prompts]
    if references:
        reference = raw_rewards(model, references[:_MEASURED])
    else:
        reference = [
            r[i] for r, p in zip(answers, prompts, strict=True) for i in sorted(set(p.chosen))
        ]
    everything = torch.tensor([reward for found in answers for reward in found])
    deviation = float(everything.std()) if len(everything) > 1 else 1.0
    return {
        "reward_mean": sum(reference) / len(reference),
        "reward_deviation": deviation or 1.0,
    }


def accuracy_of(model: Any, held_out: Sequence[Comparisons]) -> dict[str, float]:
    """The share of held-out pairs whose better answer has the higher reward, with its 95 % interval."""
    right = pairs = 0
    for prompt in held_out:
        rewards = raw_rewards(model, prompt.sequences)
        pairs += len(prompt.chosen)
        right += sum(
            rewards[w] > rewards[x] for w, x in zip(prompt.chosen, prompt.rejected, strict=True)
        )
    if not pairs:
        return {}
    found = wilson(right, pairs)
    return {
        "held_out_accuracy": right / pairs,
        "held_out_accuracy_low": found.low,
        "held_out_accuracy_high": found.high,
        "held_out_pairs": float(pairs),
    }


def _tell(task: Task, metrics: Mapping[str, float], split_here: bool) -> None:
    if "held_out_accuracy" in metrics:
        task.note(
            f"Accuracy on {metrics['held_out_pairs']:.0f} held-out pairs{' (a tenth, held out here)' if split_here else ''}: "
            f"{metrics['held_out_accuracy']:.3f} (95 % interval {metrics['held_out_accuracy_low']:.3f} to "
            f"{metrics['held_out_accuracy_high']:.3f})."
        )
    else:
        task.note("There were no pairs to hold out, so nobody knows how well it generalises.")
    task.note(
        f"Settings: judge.reward_model={task.options.out}/model, judge.reward_mean={metrics['reward_mean']:.6f}, "
        f"judge.reward_deviation={metrics['reward_deviation']:.6f}."
    )
