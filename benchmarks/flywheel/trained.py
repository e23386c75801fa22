"""Training and evaluating as commands: what a round makes out of its exports."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.flywheel.commands import beside
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
    """SFT → RM → GRPO, and DPO beside it. What needs nothing of one another runs at the same time.

    Every round begins with SFT of the policy in service on the answers that were liked, as Touvron et al. 2023 (§3.2.3)
    fine-tuned on their best samples before each PPO.

    Args:
        before: the runs of the round before: its policy is trained further, and its SFT policy stays the one
            that reward models begin from.
    """
    runs = Runs(*(folder / name for name in ("sft", "rm", "judge", "grpo", "dpo")))

    def command(kind: str, data: Path, policy: Path, out: Path, *more: str) -> Sequence[str]:
        common = ("--policy", str(policy), "--out", str(out), "--seed", str(seed))
        return ("train", kind, str(data), *common, "--round", str(number), *more)

    sft = command(
        *("sft", exports.sft, base if before is None else before.grpo, runs.sft),
        *("--epochs", str(plan.sft_epochs), "--learning-rate", plan.sft_rate),
    )
    scorers = runs.sft if before is None else before.sft
    epochs = ("--epochs", str(plan.rm_epochs), "--learning-rate", "1e-3")
    rm = command("rm", exports.rm, scorers, runs.rm, *epochs)
    judge = command("rm", exports.judge, scorers, runs.judge, *epochs)
    grpo = command(
        *("grpo", exports.grpo, runs.sft, runs.grpo),
        *("--reward-model", str(runs.rm), "--config", str(service.config)),
        *("--steps", str(plan.steps[number > 1]), "--batch", str(plan.prompts_a_step)),
        *("--generations", str(plan.generations), "--iterations", str(plan.iterations)),
        *("--answer-tokens", _ANSWER_TOKENS),
        *("--kl-budget", str(plan.kl_budget), "--learning-rate", plan.grpo_rate),
        # Once most answers are good, a group's own deviation is noise, and dividing by it makes the noise loud.
        *("--correctness-weight", "2", "--scale", "batch"),
    )
    dpo = command(
        *("dpo", exports.dpo, runs.sft, runs.dpo),
        *("--steps", str(plan.dpo_steps), "--learning-rate", "2e-4"),
    )
    say("train sft")
    beside(sft)
    say("train rm, and the judge's beside it")
    beside(rm, judge)
    say("train grpo, and dpo beside it")
    beside(grpo, dpo)
    return runs


def evaluate(
    service: Service, in_service: Path, runs: Runs, prompts: Path, folder: Path, *, seed: int
) -> tuple[Evaluation, Evaluation]:
    """Compare the GRPO policy, and DPO's, with the one in service on the held-out prompts, as they answer in
    service: by drawing. The reward is that of the training; who wins says the reward model of the other rater."""
    outs = {"eval": runs.grpo, "eval-dpo": runs.dpo}
    beside(
        *(
            (
                *("eval", str(in_service), str(run), "--prompts", str(prompts)),
                *("--out", str(folder / out), "--judge-reward-model", str(runs.judge)),
                *("--reward-model", str(runs.rm)),
                *("--config", str(service.config), "--temperature", "1.0", "--seed", str(seed)),
                *("--max-tokens", _ANSWER_TOKENS, "--batch", "16"),
            )
            for out, run in outs.items()
        )
    )
    found, other = (read_evaluation(folder / out / "evaluation.json") for out in outs)
    return found, other
