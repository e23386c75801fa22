"""The judge's verdicts on the answers of both policies, each beside what the policy was shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from contract.errors import JudgeUnavailable
from contract.progress import Progress
from contract.verdict import JudgeFailed, Judgement, Verdict
from rbrm.answer import Question
from rbrm.judge import Judge
from training.evaluation.prompts import EvaluationPrompt
from training.evaluation.sampling import Reply


@dataclass(frozen=True, slots=True)
class Judged:
    """One answer with its verdict; `question` holds the passages that it was judged against."""

    text: str
    question: Question
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Pair:
    """Both answers to one prompt; `reference` is the verdict on the reference answer, where there is one."""

    prompt: EvaluationPrompt
    a: Judged
    b: Judged
    reference: Verdict | None


def judge_pairs(
    judge: Judge,
    prompts: Sequence[EvaluationPrompt],
    a: Sequence[Reply],
    b: Sequence[Reply],
    progress: Progress,
) -> list[Pair]:
    """Judge all answers.

    Raises:
        JudgeUnavailable: an answer could not be judged. What the judge fails on may not be what it would
            have passed, so there is no evaluation without it.
    """
    pairs = []
    for number, (prompt, one, other) in enumerate(zip(prompts, a, b, strict=True), 1):
        pairs.append(_pair(judge, prompt, one, other))
        progress("judging", number, len(prompts))
    return pairs


def _pair(judge: Judge, prompt: EvaluationPrompt, a: Reply, b: Reply) -> Pair:
    shared = prompt.for_judge()
    texts = [reply.text for reply in (a, b) if reply.passages is None]
    texts += [prompt.reference] if prompt.reference else []
    found = _verdicts(judge, prompt, shared, texts)
    sides = []
    for reply in (a, b):
        if reply.passages is None:
            sides.append(Judged(reply.text, shared, found.pop(0)))
        else:
            own = prompt.for_judge(reply.passages)
            (verdict,) = _verdicts(judge, prompt, own, [reply.text])
            sides.append(Judged(reply.text, own, verdict))
    return Pair(prompt, sides[0], sides[1], found[0] if found else None)


def _verdicts(
    judge: Judge, prompt: EvaluationPrompt, question: Question, texts: Sequence[str]
) -> list[Verdict]:
    judgements: list[Judgement] = judge.judge(question, texts) if texts else []
    failed = [j.reason for j in judgements if isinstance(j, JudgeFailed)]
    if failed:
        raise JudgeUnavailable(f"The answers to {prompt.id} could not be judged: {failed[0]}")
    return [j for j in judgements if isinstance(j, Verdict)]
