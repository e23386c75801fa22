"""GRPO and RLOO: what they start from, what is added to their loss, and where they stop."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from contract.errors import ConfigurationError
from training.runs.card import RunCard
from training.trainers.options import RLOptions, SFTOptions
from training.trainers.pretraining import Pretraining, PretrainingMix

Run = Callable[..., RunCard]


def options_of(policy: Path, exports: Path, out: Path, **more: Any) -> RLOptions:
    common = {"kind": "grpo", "data": exports / "grpo", "policy": str(policy), "out": out}
    common |= {"rank": 4, "max_tokens": 256, "device": "cpu", "batch": 4, "generations": 2}
    return RLOptions(**(common | {"answer_tokens": 4, "steps": 2} | more))


def test_an_adapter_is_trained_further_and_is_its_own_reference(
    policy: Path, exports: Path, tmp_path: Path, carry_out: Run
) -> None:
    common = {"data": exports / "sft", "policy": str(policy), "out": tmp_path / "sft"}
    carry_out(SFTOptions(kind="sft", learning_rate=1e-2, steps=4, batch=4, device="cpu", **common))
    parent = tmp_path / "sft"
    text = tmp_path / "text.txt"
    text.write_text("The lamp is green.\n\nThe door is blue.\n")
    options = options_of(parent, exports, tmp_path / "grpo", rank=None, gamma=0.5)
    with pytest.raises(ConfigurationError, match="--pretraining"):
        carry_out(options)
    card = carry_out(options, fresh=True, pretraining=text, learning_rate=1e-3, steps=3)
    assert card.weights == "adapter"
    config = json.loads((tmp_path / "grpo" / "adapter" / "adapter_config.json").read_bytes())
    assert config["base_model_name_or_path"] == str(policy)
    curves = json.loads((tmp_path / "grpo" / "curves.json").read_bytes())
    # Nothing is trained yet at step 1: were the reference the bare base, there would be a distance.
    assert curves["kl_per_answer"][0] == [1, pytest.approx(0, abs=1e-6)]
    assert curves["kl_per_answer"][1][1] > 0
    assert curves["pretraining_loss"][-1][1] < curves["pretraining_loss"][0][1]
    terms = ("judge", "format", "language", "length", "repetition", "correctness")
    assert all(f"reward/{name}" in curves for name in terms)
    assert card.rubric_version
    assert card.judge_version.startswith("heads-")
    assert (card.options["beta"], card.options["loss"]) == (0.04, "grpo")


def test_a_run_that_leaves_its_budget_keeps_the_last_policy_within(
    policy: Path, exports: Path, tmp_path: Path, carry_out: Run, shared_judge: None
) -> None:
    options = options_of(policy, exports, tmp_path / "run", kl_budget=0.02, save_every=1, steps=12)
    card = carry_out(options, learning_rate=2e-4)
    assert card.steps < 12
    curve = dict(json.loads((tmp_path / "run" / "curves.json").read_bytes())["kl_per_answer"])
    kept = card.options["kept_step"]
    assert curve[kept + 1] <= 0.02 < curve[card.steps]
    assert any("Stopped at step" in note for note in card.notes)


def test_rloo_pays_for_distance_in_the_reward(
    policy: Path, exports: Path, tmp_path: Path, carry_out: Run, shared_judge: None
) -> None:
    card = carry_out(options_of(policy, exports, tmp_path / "run", kind="rloo", beta=0.05))
    assert card.steps == 2
    assert {"kl_per_answer", "reward", "reward/judge"} <= set(card.metrics)


class Base:
    """A trainer of a reward that is linear in the weights of the head."""

    loss_is_scaled_for_ga = False

    def compute_loss(self, model: Any, inputs: Any, *_: Any) -> torch.Tensor:
        return (model.lm_head.weight * inputs["direction"]).sum()


class Mixed(PretrainingMix, Base):
    """What the mixin needs of a trainer."""

    def __init__(self, model: Any, *, scaled: bool) -> None:
        self.model = model
        self.loss_is_scaled_for_ga = scaled
        self.current_gradient_accumulation_steps = 4
        self._step = 0
        self._metrics: Any = {"train": {"pretraining_loss": []}}
        self.args = type("Args", (), {"gradient_accumulation_steps": 4})
        self.state = type("State", (), {"global_step": 3})
        self.accelerator = type("Accelerator", (), {"process_index": 0})


@pytest.mark.parametrize(("scaled", "share"), [(False, 1.0), (True, 0.25)])
def test_the_mixs_gradient_is_gamma_times_that_of_the_text(
    policy: Path, scaled: bool, share: float
) -> None:
    model = AutoModelForCausalLM.from_pretrained(policy, dtype=torch.float64).train()
    blocks = torch.arange(40).view(5, 8)
    trainer = Mixed(model, scaled=scaled)
    trainer.pretraining = Pretraining(blocks, gamma=0.7, batch=2, seed=0)
    direction = torch.randn_like(model.lm_head.weight)

    trainer.compute_loss(model, {"direction": direction}).backward()
    mixed = {n: p.grad.clone() for n, p in model.named_parameters()}

    model.zero_grad()
    drawn = trainer.pretraining.draw(3, 0)
    logits = model(drawn).logits[:, :-1].log_softmax(-1)
    likelihood = logits.gather(-1, drawn[:, 1:, None]).mean()
    (-likelihood).backward()
    for name, parameter in model.named_parameters():
        expected = 0.7 * share * parameter.grad
        if name == "lm_head.weight":
            expected = expected + direction
        torch.testing.assert_close(mixed[name], expected, rtol=1e-4, atol=1e-6)
