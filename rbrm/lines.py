"""One line of `plumbline judge`: the same value from the command and from `/v1/judge`."""

from __future__ import annotations

from typing import Any

from contract.judge import JudgeRequest
from contract.verdict import JudgeFailed, Judgement, Verdict
from rbrm.answer import Question
from rbrm.judge import Judge


def judge_line(
    judge: Judge, request: JudgeRequest, limit_seconds: float | None = None
) -> dict[str, Any]:
    """Judge the answers of one line. A judging that failed is an error with the decision refuse."""
    question = Question(request.question, tuple(request.passage_texts), request.response_type)
    return _line(request, judge.judge(question, request.texts, limit_seconds))


def judge_timed_out(request: JudgeRequest) -> dict[str, Any]:
    """The line where the judge was too slow."""
    return _line(request, [JudgeFailed("judging took too long") for _ in request.texts])


def decision_of(judgement: Judgement) -> str:
    """What a guard would do with this one answer: a failed judging is never an approval."""
    return "serve" if isinstance(judgement, Verdict) and judgement.acceptable else "refuse"


def _line(request: JudgeRequest, judgements: list[Judgement]) -> dict[str, Any]:
    answers = [j.to_wire() | {"decision": decision_of(j)} for j in judgements]
    line: dict[str, Any] = {"answers": answers}
    if request.id is not None:
        line["id"] = request.id
    return line
