"""The pretraining mix of PPO-ptx (Ouyang et al. 2022, equation 2): γ · E[−log p(pretraining text)] is added to the
loss of reinforcement, so that the policy does not forget what it was not rewarded for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from contract.errors import ConfigurationError
from training.trainers.data import read_rows


class Pretraining:
    """Blocks of text, drawn for each step by seed and step alone: a run that is taken up again draws on.

    Args:
        blocks: tokens (n, t).
        gamma: weight of the mean of −log p over the tokens.
    """

    def __init__(self, blocks: Tensor, gamma: float, batch: int, seed: int) -> None:
        self.blocks = blocks
        self.gamma = gamma
        self._batch = batch
        self._seed = seed

    def draw(self, step: int, piece: int) -> Tensor:
        """The blocks (b, t) for a step, or for a piece of its batch."""
        chance = torch.Generator().manual_seed((self._seed * 1_000_003 + step) * 4096 + piece)
        return self.blocks[torch.randint(len(self.blocks), (self._batch,), generator=chance)]

    def loss(self, model: Any, blocks: Tensor) -> Tensor:
        """γ · mean of −log p over the tokens of some blocks."""
        found: Tensor = model(input_ids=blocks, labels=blocks, use_cache=False).loss
        return self.gamma * found


class PretrainingMix:
    """Adds the term to a trainer's loss: a mixin for TRL's GRPO and RLOO trainers.

    Where the trainer scales its loss for accumulated gradients itself, so does this.
    """

    pretraining: Pretraining | None = None

    def compute_loss(
        self: Any,
        model: Any,
        inputs: Mapping[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        loss = super().compute_loss(model, inputs, return_outputs, num_items_in_batch)  # type: ignore[misc]
        if self.pretraining is None or not self.model.training:
            return loss
        pieces = self.args.gradient_accumulation_steps
        piece = self._step % pieces + pieces * self.accelerator.process_index
        blocks = self.pretraining.draw(self.state.global_step, piece)
        term = self.pretraining.loss(model, blocks.to(loss.device))
        self._metrics["train"]["pretraining_loss"].append(term.item() / self.pretraining.gamma)
        return loss + term / (
            self.current_gradient_accumulation_steps if self.loss_is_scaled_for_ga else 1
        )


def read_pretraining(
    path: Path, tokenizer: Any, *, gamma: float, block: int, batch: int, seed: int
) -> Pretraining:
    """Text as blocks of equal length: documents one after another, an end-of-text token between them.

    Raises:
        ConfigurationError: the file has no text.
    """
    ids: list[int] = []
    for text in _texts(path):
        ids += [*tokenizer(text, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
    block = min(block, len(ids))
    if block < 2:
        raise ConfigurationError(f"{path} has no text to learn from.")
    count = len(ids) // block
    return Pretraining(torch.tensor(ids[: count * block]).view(count, block), gamma, batch, seed)


def _texts(path: Path) -> Sequence[str]:
    if path.suffix == ".jsonl":
        return [str(row["text"]) for row in read_rows(path, ("text",))]
    return [part for part in path.read_text(encoding="utf-8").split("\n\n") if part.strip()]
