"""Supervised fine-tuning: what it learns from, and which checkpoint is kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from contract.errors import ConfigurationError
from tests.training.made import GOOD, turn, write_lines
from training.runs.card import RunCard
from training.trainers.options import RMOptions, SFTOptions
from training.trainers.tokens import answered_ids

Run = Callable[..., RunCard]


def options_of(policy: Path, data: Path, out: Path, **more: object) -> SFTOptions:
    common = {"kind": "sft", "data": data, "policy": str(policy), "out": out, "rank": 4}
    common |= {"learning_rate": 1e-3, "max_tokens": 256, "device": "cpu", "epochs": 2.0, "batch": 4}
    return SFTOptions(**(common | more))  # type: ignore[arg-type]


def test_the_loss_is_on_the_answer_and_on_stopping(policy: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(policy)
    before, after = answered_ids(tokenizer, turn(1)["prompt"], GOOD)
    assert tokenizer.decode(before).endswith("<|assistant|>")
    assert tokenizer.decode(after) == f"{GOOD}\n<|end|>"


def test_the_checkpoint_is_chosen_by_the_reward_model(
    policy: Path, exports: Path, tmp_path: Path, carry_out: Run
) -> None:
    common = {"data": exports / "rm", "policy": str(policy), "out": tmp_path / "rm", "steps": 1}
    carry_out(RMOptions(kind="rm", device="cpu", rank=4, batch=4, **common))
    card = carry_out(
        options_of(
            policy,
            exports / "sft",
            tmp_path / "sft",
            reward_model=str(tmp_path / "rm"),
            answer_tokens=4,
        )
    )
    assert card.metrics["chosen_step"] in (3, 6)
    assert card.metrics["chosen_eval_reward"] >= card.metrics["eval_reward"]
    assert any("chosen by the reward model" in note for note in card.notes)


def test_without_one_the_validation_loss_chooses(
    policy: Path, exports: Path, tmp_path: Path, carry_out: Run
) -> None:
    """A rate that ruins the policy more in each epoch, so that the first one is the best."""
    card = carry_out(
        options_of(policy, exports / "sft", tmp_path / "sft", learning_rate=3.0, epochs=3.0)
    )
    assert card.metrics["chosen_eval_loss"] <= card.metrics["eval_loss"]
    assert any("chosen by the validation loss" in note for note in card.notes)
    assert (tmp_path / "sft" / "adapter" / "adapter_model.safetensors").exists()


def test_general_rows_are_mixed_in_by_their_share(
    policy: Path, exports: Path, tmp_path: Path, carry_out: Run
) -> None:
    rows = [{"prompt": f"Say {n}.", "completion": f"{n}"} for n in range(20)]
    general = write_lines(tmp_path / "general.jsonl", rows)
    data = exports / "sft"
    options = options_of(policy, data, tmp_path / "sft", general=general, general_share=0.25)
    card = carry_out(options, steps=1)
    assert card.rows == {"train": 12, "validation": 4, "too_long": 0, "general": 4}
    assert str(general) in card.data


def test_full_weights_become_a_checkpoint_and_long_rows_are_counted(
    policy: Path, tmp_path: Path, carry_out: Run
) -> None:
    rows = [turn(n) | {"completion": [{"role": "assistant", "content": GOOD}]} for n in range(4)]
    rows[0]["completion"][0]["content"] = "x" * 500
    data = write_lines(tmp_path / "rows.jsonl", rows)
    card = carry_out(options_of(policy, data, tmp_path / "run", weights="full"), steps=1)
    assert card.rows["too_long"] == 1
    assert card.weights == "model"
    assert (tmp_path / "run" / "model" / "config.json").exists()
    assert (tmp_path / "run" / "model" / "tokenizer.json").exists()


def test_what_is_wrong_is_said_before_anything_is_trained(
    policy: Path, exports: Path, tmp_path: Path, carry_out: Run
) -> None:
    options = options_of(policy, exports / "sft", tmp_path / "run")
    with pytest.raises(ConfigurationError, match="has no completion"):
        carry_out(options, data=exports / "rm")
    with pytest.raises(ConfigurationError, match="There is no policy"):
        carry_out(options, policy="./nowhere", out=tmp_path / "other")
    with pytest.raises(ConfigurationError, match="needs a GPU"):
        carry_out(options, weights="qlora", out=tmp_path / "another")
