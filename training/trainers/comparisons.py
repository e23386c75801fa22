"""Comparisons by prompt: each answer once, as tokens, and the pairs that it is in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor

from rbrm.reward_checkpoints import conversation
from training.questions import question_of_row
from training.trainers.data import Row, as_messages, group_of, said
from training.trainers.options import RMOptions
from training.trainers.tokens import template_ids


@dataclass
class Comparisons:
    """A prompt's answers and pairs; `chosen[i]` beat `rejected[i]`, both places in `sequences`."""

    sequences: list[list[int]] = field(default_factory=list)
    chosen: list[int] = field(default_factory=list)
    rejected: list[int] = field(default_factory=list)
    weight: list[float] = field(default_factory=list)
    margin: list[float] = field(default_factory=list)

    def place(self, ids: list[int]) -> int:
        """Where an answer stands; it is put there if it is new."""
        if ids not in self.sequences:
            self.sequences.append(ids)
        return self.sequences.index(ids)

    def to_row(self) -> dict[str, Any]:
        """As a row of a data set; the two names are TRL's for rows that are tokens already."""
        row = asdict(self)
        return row | {"chosen_ids": row.pop("chosen"), "rejected_ids": row.pop("rejected")}


def comparisons_of(
    rows: Sequence[Row], tokenizer: Any, options: RMOptions
) -> tuple[list[Comparisons], int]:
    """The prompts with at least one pair, and how many pairs were too long.

    A row without a weight shares its prompt's with the prompt's other pairs.
    """
    prompts: dict[str, Comparisons] = {}
    sizes: dict[str, int] = {}
    names = [group_of(row, number) for number, row in enumerate(rows)]
    for name in names:
        sizes[name] = sizes.get(name, 0) + 1
    too_long = 0
    for name, row in zip(names, rows, strict=True):
        pair = [
            conversation_ids(tokenizer, row, said(row[side])) for side in ("chosen", "rejected")
        ]
        if max(map(len, pair)) > options.max_tokens:
            too_long += 1
            continue
        prompt = prompts.setdefault(name, Comparisons())
        prompt.chosen.append(prompt.place(pair[0]))
        prompt.rejected.append(prompt.place(pair[1]))
        prompt.weight.append(float(row.get("weight") or 1 / sizes[name]))
        prompt.margin.append(float(row.get("margin") or 0.0) if options.margins else 0.0)
    return list(prompts.values()), too_long


def conversation_ids(tokenizer: Any, row: Mapping[str, Any], answer: str) -> list[int]:
    """What a reward model is shown in service of this answer (rbrm/reward_checkpoints.py): the question and the
    answer before it, where the row has them; else the whole prompt."""
    if row.get("question") is None:
        messages = [*as_messages(row["prompt"], "user"), {"role": "assistant", "content": answer}]
    else:
        messages = conversation(question_of_row(row), answer)
    return template_ids(tokenizer, messages)


def collate(rows: Sequence[Mapping[str, Any]], pad: int) -> dict[str, Tensor]:
    """Several prompts as one batch: conversations (b, t), and the places of each pair (p,) among them."""
    sequences: list[list[int]] = []
    chosen: list[int] = []
    rejected: list[int] = []
    for row in rows:
        first = len(sequences)
        sequences += row["sequences"]
        chosen += [first + place for place in row["chosen_ids"]]
        rejected += [first + place for place in row["rejected_ids"]]
    width = max(len(ids) for ids in sequences)
    return {
        "input_ids": torch.tensor([[*ids, *[pad] * (width - len(ids))] for ids in sequences]),
        "attention_mask": torch.tensor([[1] * len(i) + [0] * (width - len(i)) for i in sequences]),
        "chosen": torch.tensor(chosen),
        "rejected": torch.tensor(rejected),
        "weight": torch.tensor([w for row in rows for w in row["weight"]], dtype=torch.float32),
        "margin": torch.tensor([m for row in rows for m in row["margin"]], dtype=torch.float32),
    }
