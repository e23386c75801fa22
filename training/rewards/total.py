"""The whole reward of an answer in training: the judge's, and the terms beside it.

    reward = w_judge · (RM + Σ wᵢ φᵢ) + w_correctness · correctness + …

One function gives the sum, so that an answer whose judging failed has no reward at all: were the terms handed
to the trainer one by one, the others would reward what nobody has approved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from contract.verdict import Judgement, Verdict
from rbrm.judge import Judge
from training.reward import Conversation, judgements_of, said_last
from training.rewards.terms import (
    citation_format,
    correctness,
    excess_length,
    repetition,
    same_language,
)
from training.rewards.weights import Weights

Reward = Callable[..., list[float | None]]


def total_reward(judge: Judge, weights: Weights, *, longest: int, ends: Sequence[int]) -> Reward:
    """A reward function for TRL; each term is logged under `reward/`, averaged where it applies.

    Args:
        longest: words from which on an answer is too long.
        ends: token ids that end an answer; one without any of them was cut off.
    """

    def plumbline_reward(
        prompts: Sequence[Conversation],
        completions: Sequence[Conversation],
        completion_ids: Sequence[Sequence[int]] | None = None,
        log_metric: Callable[[str, float], None] | None = None,
        **columns: Any,
    ) -> list[float | None]:
        judged = judgements_of(judge, prompts, completions, columns)
        found = []
        for row, (question, judgement) in enumerate(judged):
            answer = said_last(completions[row], "assistant")
            reference = _column(columns, "reference", row)
            ids = completion_ids[row] if completion_ids else ()
            found.append(
                {
                    "judge": judgement.reward if isinstance(judgement, Verdict) else None,
                    "correctness": None if not reference else correctness(answer, reference),
                    "format": _format(answer, len(question.passages), judgement),
                    "language": same_language(answer, question.text),
                    "length": excess_length(
                        answer, longest, cut_off=bool(ids) and not set(ends) & set(ids)
                    ),
                    "repetition": repetition(answer),
                }
            )
        if log_metric is not None:
            _log(found, [judgement for _, judgement in judged], log_metric)
        return [weighted(terms, weights) for terms in found]

    return plumbline_reward


def weighted(terms: Mapping[str, float | None], weights: Weights) -> float | None:
    """The sum; None where the judge failed, whatever the other terms say."""
    if terms["judge"] is None:
        return None
    return float(sum(weight * (terms[name] or 0.0) for name, weight in asdict(weights).items()))


def _format(answer: str, passages: int, judgement: Judgement) -> float:
    """An honest "not in the documents" has nothing to cite."""
    abstains = isinstance(judgement, Verdict) and judgement.abstains
    return citation_format(answer, 0 if abstains else passages)


def _column(columns: Mapping[str, Any], name: str, row: int) -> Any:
    values = columns.get(name)
    return None if values is None else values[row]


def _log(
    found: Sequence[Mapping[str, float | None]],
    judgements: Sequence[Judgement],
    log_metric: Callable[[str, float], None],
) -> None:
    for name in found[0]:
        values = [v for terms in found if (v := terms[name]) is not None]
        if values:
            log_metric(f"reward/{name}", sum(values) / len(values))
    verdicts = [j for j in judgements if isinstance(j, Verdict)]
    log_metric("judge/failed", 1 - len(verdicts) / len(judgements))
    if verdicts:
        log_metric("judge/rm", sum(v.rm for v in verdicts) / len(verdicts))
        log_metric("judge/rules", sum(v.rbr for v in verdicts) / len(verdicts))
        log_metric("judge/acceptable", sum(v.acceptable for v in verdicts) / len(verdicts))
