"""Training and evaluating as commands: what a round makes out of its exports."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.flywheel.commands import plumbline
from benchmarks.flywheel.plan import Plan
from benchmarks.flywheel.rounds import Exports
from benchmarks.flywheel.service import Service
from contract.evaluation import Evaluation, read_evaluation
from training.runs.card import read_card

Say = Callable[[str], None]
_ANSWER_TOKENS = "80"


@dataclass(frozen=True, slots=True)
class Runs:
    """The run folders of a round. `judge` is the reward model that judged and never trained."""

    sft: Path
    rm: Path
    judge: Path
    grpo: Path
    dpo: Path

    def metrics(self, name: str) -> dict[str, float]:
        """The last figures of one of them; of GRPO also `kept_kl`, the distance of the policy that was kept:
        a step writes its answers with the policy of the step before."""
        folder: Path = getattr(self, name)
        card = read_card(folder)
        if name != "grpo":
            return card.metrics
        curve: dict[int, float] = dict(
            json.loads((folder / "curves.json").read_bytes())["kl_per_answer"]
        )
        kept = int(card.options["kept_step"])
        return card.metrics | {"kept_kl": curve.get(kept + 1, curve[max(curve)])}


def train(
    service: Service,
    exports: Exports,
    folder: Path,
    plan: Plan,
    *,
    base: Path,
    before: Runs | None,
    number: int,
    seed: int,
    say: Say,
) -> Runs:
    """SFT → RM → GRPO, and DPO beside it.

    Args:
        before: the runs of the round before: its policy is trained further, and its SFT policy stays the one
            that reward models begin from.
    """
    common = ("--seed", str(seed), "--round", str(number))

    def run(kind: str, data: Path, policy: Path, out: str, *more: str) -> Path:
        say(f"train {kind}" + (" (the judge's)" if out == "judge" else ""))
        target = folder / out
        arguments = ("--policy", str(policy), "--out", str(target), *common, *more)
        plumbline("train", kind, str(data), *arguments)
        return target

    steps = ("--steps", str(plan.steps))
    epochs = ("--epochs", str(plan.rm_epochs), "--learning-rate", "1e-3")
    if before is None:
        sft = run(
            "sft",
            exports.sft,
            base,
            "sft",
            *("--epochs", str(plan.sft_epochs), "--learning-rate", "1e-3"),
        )
        parent = sft
    else:
        sft, parent = before.sft, before.grpo
    rm = run("rm", exports.rm, sft, "rm", *epochs)
    judge = run("rm", exports.judge, sft, "judge", *epochs)
    grpo = run(
        "grpo",
        exports.grpo,
        parent,
        "grpo",
        *("--reward-model", str(rm), "--config", str(service.config)),
        *(*steps, "--batch", str(plan.prompts_a_step)),
        *("--generations", str(plan.generations), "--answer-tokens", _ANSWER_TOKENS),
        *("--kl-budget", str(plan.kl_budget), "--learning-rate", "7e-4"),
    )
    dpo = run("dpo", exports.dpo, parent, "dpo", *steps, "--learning-rate", "2e-4")
    return Runs(sft, rm, judge, grpo, dpo)


def evaluate(
    service: Service, a: Path, b: Path, prompts: Path, judge: Path, out: Path, *, seed: int
) -> Evaluation:
    """Compare two policies on the held-out prompts, as they answer in service: by drawing."""
    plumbline(
        "eval",
        str(a),
        str(b),
        *("--prompts", str(prompts), "--out", str(out), "--judge-reward-model", str(judge)),
        *("--config", str(service.config), "--temperature", "1.0", "--seed", str(seed)),
        *("--max-tokens", _ANSWER_TOKENS, "--batch", "16"),
    )
    return read_evaluation(out / "evaluation.json")
