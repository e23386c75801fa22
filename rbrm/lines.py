"""One line of `plumbline judge`: the same value from the command, from `/v1/judge` and in training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contract.judge import JudgeRequest
from contract.verdict import Judgement, Verdict
from rbrm.answer import Question
from rbrm.judge import Judge


def judge_line(
    judge: Judge, request: JudgeRequest, limit_seconds: float | None = None
) -> dict[str, Any]:
    """Judge the answers of one line. A judging that failed is an error with the decision refuse."""
    return line_of(request, judge.judge(question_of(request), request.texts, limit_seconds))


def question_of(request: JudgeRequest) -> Question:
    """What the answers of a line answer."""
    return Question(
        request.question,
        tuple(request.passage_texts),
        request.response_type,
        documents_hold_answer=request.documents_hold_answer,
        previous=request.previous,
    )


def line_of(request: JudgeRequest, judgements: Sequence[Judgement]) -> dict[str, Any]:
    """The line for these judgements."""
    answers = [j.to_wire() | {"decision": decision_of(j)} for j in judgements]
    line: dict[str, Any] = {"answers": answers}
    if request.id is not None:
        line["id"] = request.id
    return line


def decision_of(judgement: Judgement) -> str:
    """What a guard would do with this one answer: a failed judging is never an approval."""
    return "serve" if isinstance(judgement, Verdict) and judgement.acceptable else "refuse"
