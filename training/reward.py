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

from contract.verdict import Judgement, Verdict
from rbrm.answer import Question
from rbrm.judge import Judge
from training.questions import question_of_row

Conversation = str | Sequence[Mapping[str, Any]]
Reward = Callable[..., list[float | None]]

# What of a data set's columns the judge is told.
_TOLD = ("question", "previous", "passages", "response_type", "documents_hold_answer")


def judge_reward(judge: Judge) -> Reward:
    """A function `f(prompts, completions, **columns) -> rewards`, one reward for each completion.

    The columns of a GRPO export are used where a data set has them. A completion whose judging failed has
    the reward None, which TRL leaves out: a judge that failed has approved nothing and condemned nothing.
    """

    def plumbline_judge(
        prompts: Sequence[Conversation], completions: Sequence[Conversation], **columns: Any
    ) -> list[float | None]:
        judged = judgements_of(judge, prompts, completions, columns)
        return [found.reward if isinstance(found, Verdict) else None for _, found in judged]

    return plumbline_judge


def judgements_of(
    judge: Judge,
    prompts: Sequence[Conversation],
    completions: Sequence[Conversation],
    columns: Mapping[str, Any],
) -> list[tuple[Question, Judgement]]:
    """What was asked, and the judge's opinion, for each completion; all answers to one prompt, which stand
    side by side, are judged in one batch, and each text once."""
    told = [name for name in _TOLD if columns.get(name) is not None]
    questions = [
        question_of_row({"prompt": prompt} | {name: columns[name][row] for name in told})
        for row, prompt in enumerate(prompts)
    ]
    answers = [said_last(completion, "assistant") for completion in completions]
    found: list[tuple[Question, Judgement]] = []
    while len(found) < len(questions):
        first = len(found)
        question = questions[first]
        last = first + 1
        while last < len(questions) and questions[last] == question:
            last += 1
        found += [(question, j) for j in _judged_once(judge, question, answers[first:last])]
    return found


def _judged_once(judge: Judge, question: Question, answers: Sequence[str]) -> list[Judgement]:
    """A judgement for each; a policy that is sure of itself gives the same answer several times."""
    distinct = list(dict.fromkeys(answers))
    judged = dict(zip(distinct, judge.judge(question, distinct), strict=True))
    return [judged[answer] for answer in answers]


def said_last(conversation: Conversation, role: str) -> str:
    """What a role said last; a plain string is the whole text."""
    if isinstance(conversation, str):
        return conversation
    said = [str(turn["content"]) for turn in conversation if turn["role"] == role]
    return said[-1] if said else ""
