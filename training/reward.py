"""The judge as a reward function, in the form that TRL's GRPO and RLOO trainers call.

    from contract.settings import JudgeSettings
    from rbrm.assembly import build_judge
    from text.encoder import Encoder

    trainer = GRPOTrainer(…, reward_funcs=judge_reward(build_judge(JudgeSettings(), Encoder())))

The rules that guard an answer in service are the reward that trains the policy: the same judge, the same
number (`reward = RM + Σ wᵢ φᵢ`, Mu et al. 2024).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from contract.verdict import ResponseType, Verdict
from rbrm.answer import Question
from rbrm.judge import Judge

Conversation = str | Sequence[Mapping[str, Any]]
Reward = Callable[..., list[float | None]]


def judge_reward(judge: Judge) -> Reward:
    """A function `f(prompts, completions, **columns) -> rewards`, one reward for each completion.

    Columns `passages` (a list of texts for each row) and `response_type` are used where a data set has
    them. A completion whose judging failed has the reward None, which TRL leaves out: a judge that failed
    has approved nothing and condemned nothing.
    """

    def plumbline_judge(
        prompts: Sequence[Conversation],
        completions: Sequence[Conversation],
        passages: Sequence[Sequence[str] | None] | None = None,
        response_type: Sequence[ResponseType | None] | None = None,
        **columns: Any,
    ) -> list[float | None]:
        rewards: list[float | None] = []
        for row, (prompt, completion) in enumerate(zip(prompts, completions, strict=True)):
            question = Question(
                _last(prompt, "user"),
                tuple((passages[row] if passages else None) or ()),
                response_type[row] if response_type else None,
                previous=_last(prompt, "assistant") if not isinstance(prompt, str) else "",
            )
            (found,) = judge.judge(question, [_last(completion, "assistant")])
            rewards.append(found.reward if isinstance(found, Verdict) else None)
        return rewards

    return plumbline_judge


def _last(conversation: Conversation, role: str) -> str:
    """What a role said last; a plain string is the whole text."""
    if isinstance(conversation, str):
        return conversation
    said = [str(turn["content"]) for turn in conversation if turn["role"] == role]
    return said[-1] if said else ""
