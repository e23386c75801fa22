"""What stops a version from getting traffic."""

from __future__ import annotations

from typing import Any

import pytest

from contract.evaluation import Evaluation
from contract.settings import PromotionSettings
from server.promotion.gates import gates
from tests.server.promotion.adapters import make_evaluation, with_flag, with_metric

DIGEST = "a" * 64
GOOD = make_evaluation(DIGEST)


def failed(
    evaluation: Evaluation | None,
    card: dict[str, Any] | None = None,
    in_service: str = "",
    **settings: Any,
) -> dict[str, str]:
    asked = PromotionSettings(**settings)
    found = gates(evaluation, card, digest=DIGEST, in_service=in_service, settings=asked)
    return {gate.name: gate.found for gate in found if not gate.passed}


def test_a_better_version_passes_all() -> None:
    assert failed(GOOD, {"kind": "grpo", "metrics": {"kl_per_answer": 0.5}}) == {}


@pytest.mark.parametrize(
    ("evaluation", "gate", "number"),
    [
        (None, "evaluation", "plumbline eval"),
        (make_evaluation("b" * 64), "evaluation", "bbbbbbbbbbbb"),
        (with_metric(GOOD, "win_rate", 0.48, 0.7), "win_rate", "0.480"),
        (with_metric(GOOD, "reward", -0.1, 0.5), "reward", "-0.100"),
        (with_metric(GOOD, "over_refusal", 0.01, 0.09), "over_refusal", "0.050"),
        (with_metric(GOOD, "proposition/polite", -0.2, -0.1), "propositions", "polite -0.150"),
        (with_metric(GOOD, "proposition/preachy", 0.1, 0.2), "propositions", "preachy 0.150"),
        (with_flag(GOOD), "flags", "reward_hacking"),
        (make_evaluation(DIGEST, judged_by_training_reward=True), "independent_judge", "judge"),
    ],
)
def test_what_fails_is_told_with_its_numbers(
    evaluation: Evaluation | None, gate: str, number: str
) -> None:
    found = failed(evaluation)
    assert list(found) == [gate]
    assert number in found[gate]


def test_what_was_not_measured_does_not_pass() -> None:
    empty = GOOD.model_copy(update={"metrics": ()})
    assert set(failed(empty)) == {"win_rate", "reward", "over_refusal", "propositions"}


def test_a_proposition_may_fall_within_its_interval() -> None:
    assert failed(with_metric(GOOD, "proposition/polite", -0.1, 0.02)) == {}


def test_a_comparison_with_another_version_than_that_in_service_does_not_pass() -> None:
    side = GOOD.a.model_copy(update={"digest": "c" * 64})
    evaluation = GOOD.model_copy(update={"a": side})
    assert failed(evaluation, in_service="c" * 64) == {}
    assert list(failed(evaluation, in_service="d" * 64)) == ["compared_with_service"]


def test_kl_stays_within_the_runs_budget_or_that_of_the_settings() -> None:
    card: dict[str, Any] = {"kind": "grpo", "options": {"kl_budget": 1.0}, "steps": 9}
    card["metrics"] = {"kl_per_answer": 1.5}
    assert "1.5 nats an answer; at most 1 " in failed(GOOD, card)["kl"]
    assert failed(GOOD, card, max_kl=2.0) == {}
    stopped = card | {"options": {"kl_budget": 1.0, "kept_step": 6}}
    assert failed(GOOD, stopped) == {}
    assert "0.1" in failed(GOOD, card, max_kl=0.1)["kl"]
    assert "reports none" in failed(GOOD, {"kind": "grpo"})["kl"]
    assert failed(GOOD, {"kind": "sft", "metrics": {"loss": 0.2}}) == {}
