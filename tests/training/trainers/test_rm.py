"""Reward models: equation 1 of Ouyang et al. 2022, and the same number in service."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer

from contract.intervals import wilson
from contract.settings import JudgeSettings
from rbrm.answer import Answer
from tests.training.made import BAD, GOOD, MIDDLING, rows_of, turn
from training.questions import question_of_row
from training.rewards.reward_models import reward_model_settings, scorer_of
from training.runs.card import RunCard
from training.trainers.comparisons import collate, comparisons_of
from training.trainers.options import RMOptions, SFTOptions
from training.trainers.rm import pairwise_loss

Run = Callable[..., RunCard]


def options_of(policy: Path, exports: Path, out: Path, **more: Any) -> RMOptions:
    common = {"kind": "rm", "data": exports / "rm", "policy": str(policy), "out": out, "rank": 4}
    common |= {"learning_rate": 5e-3, "max_tokens": 256, "device": "cpu", "epochs": 6.0, "batch": 4}
    return RMOptions(**(common | more))


def test_the_loss_is_that_of_the_formula() -> None:
    """Two prompts: one with K = 3 answers of rewards 2, 1 and −1, one with K = 2 of 0.5 and 1."""
    rewards = torch.tensor([2.0, 1.0, -1.0, 0.5, 1.0])
    better, worse = torch.tensor([0, 0, 1, 3]), torch.tensor([1, 2, 2, 4])
    weight = torch.tensor([1 / 3, 1 / 3, 1 / 3, 1.0])
    loss = pairwise_loss(rewards[better] - rewards[worse], weight, torch.zeros(4))
    first = (softplus(-1) + softplus(-3) + softplus(-2)) / 3
    assert float(loss) == pytest.approx((first + softplus(0.5)) / 2)
    wide = pairwise_loss(torch.tensor([2.0]), torch.ones(1), torch.tensor([1.5]))
    assert float(wide) == pytest.approx(softplus(-0.5))


def softplus(x: float) -> float:
    """−log σ(−x)."""
    return math.log1p(math.exp(x))


def test_all_pairs_of_a_prompt_are_in_one_batch_and_each_answer_once(
    policy: Path, tmp_path: Path
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(policy)
    options = options_of(policy, tmp_path, tmp_path / "run")
    prompts, too_long = comparisons_of(rows_of("rm", range(2)), tokenizer, options)
    assert (len(prompts), too_long) == (2, 0)
    assert [len(p.sequences) for p in prompts] == [3, 3]
    batch = collate([p.to_row() for p in prompts], tokenizer.pad_token_id)
    assert batch["chosen"].tolist() == [0, 0, 1, 3, 3, 4]
    assert batch["rejected"].tolist() == [1, 2, 2, 4, 5, 5]
    assert float(batch["weight"].sum()) == pytest.approx(2)
    shown = tokenizer.decode(prompts[0].sequences[0])
    assert shown == f"<|user|>{turn(0)['question']}\n<|assistant|>{GOOD}\n"


def test_it_learns_and_the_judge_gets_the_trainers_own_number(
    policy: Path, exports: Path, tmp_path: Path, carry_out: Run
) -> None:
    """From an adapter of `train sft`, which is merged first."""
    parent = tmp_path / "sft"
    common = {"data": exports / "sft", "policy": str(policy), "out": parent, "device": "cpu"}
    carry_out(SFTOptions(kind="sft", steps=1, batch=4, **common))
    card = carry_out(options_of(parent, exports, tmp_path / "rm"))
    metrics = card.metrics
    assert metrics["held_out_accuracy"] == 1.0
    assert metrics["held_out_pairs"] == 12
    assert metrics["held_out_accuracy_low"] == pytest.approx(wilson(12, 12).low)
    settings = reward_model_settings(JudgeSettings(), str(tmp_path / "rm"))
    assert settings.reward_mean == metrics["reward_mean"]
    scorer = scorer_of(settings)
    found = []
    for row in rows_of("sft", range(12)):
        question = question_of_row(row)
        texts = [Answer.of(question.text, text) for text in (GOOD, MIDDLING, BAD)]
        found.append(scorer.score(question, texts, None))  # type: ignore[arg-type]
    assert all(good > middling > bad for good, middling, bad in found)
    chosen = [reward for good, middling, _ in found for reward in (good, middling)]
    assert sum(chosen) / len(chosen) == pytest.approx(0, abs=1e-4)


def test_the_interval_of_a_share() -> None:
    found = wilson(8, 10)
    assert (found.low, found.high) == pytest.approx((0.4902, 0.9433), abs=1e-4)
