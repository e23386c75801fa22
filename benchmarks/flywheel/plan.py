"""How much of everything a turn of the flywheel does."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """The sizes of a run.

    Attributes:
        by_heart, in_prompt: steps of the two parts of pretraining.
        wordings: wordings of each training question that the first round asks.
        again: wordings that the second round asks.
        candidates: answers that are sampled and rated for a question.
        held_out: held-out questions.
        sft_epochs, sft_rate: little, so that the reinforcement has something left to do.
        steps: of GRPO, in the first round and in those after it, which have less left to gain.
        dpo_steps: of DPO; the other trainers go by epochs.
        grpo_rate, iterations: learning rate of GRPO, and its steps on the same answers: writing and judging answers
            is what costs here.
        kl_budget: nats by which an answer may come to differ from the policy that training began from.
        rounds: turns of the wheel.
        asked: most questions of a round; None for all.
        force: promote past the gates, which a few steps can't pass.
    """

    by_heart: int = 150
    in_prompt: int = 80
    wordings: int = 4
    again: int = 2
    candidates: int = 4
    held_out: int = 144
    sft_epochs: int = 2
    sft_rate: str = "3e-4"
    rm_epochs: int = 5
    steps: tuple[int, int] = (16, 36)
    dpo_steps: int = 20
    grpo_rate: str = "5e-4"
    iterations: int = 2
    prompts_a_step: int = 4
    generations: int = 8
    kl_budget: float = 6.0
    rounds: int = 2
    asked: int | None = None
    force: bool = False


WHOLE = Plan()
# Every part once, in the suite: whether it gets better is not asked of it.
QUICK = Plan(
    by_heart=30,
    in_prompt=4,
    wordings=1,
    again=1,
    candidates=3,
    held_out=8,
    sft_epochs=1,
    rm_epochs=1,
    steps=(2, 2),
    dpo_steps=2,
    prompts_a_step=2,
    generations=4,
    rounds=1,
    asked=36,
    force=True,
)
