"""Answers with verdicts that a test writes itself, and a model server that compares answers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request

from contract.verdict import CompletionClass, ResponseType, Verdict
from rbrm.answer import Question
from training.evaluation.judged import Judged, Pair
from training.evaluation.prompts import EvaluationPrompt

ASKED = "How many days of leave do I get?"
PASSAGE = "Each employee gets 27 days of annual leave."


def verdict(
    reward: float = 0.0,
    name: CompletionClass = "ideal",
    *,
    refuses: bool = False,
    response_type: ResponseType = "comply",
    **propositions: float,
) -> Verdict:
    refusal = 0.98 if refuses else 0.01
    return Verdict(
        propositions=propositions,
        unjudged=(),
        evidence={},
        response_type={response_type: 1.0},
        response_type_in_force=response_type,
        response_type_confident=True,
        compliance={
            "full_compliance": 0.99 - refusal,
            "partial_refusal": 0.01,
            "full_refusal": refusal,
        },
        refusing_sentences=(),
        harm={},
        completion_class=name,
        violations=(),
        rm=reward,
        rbr=0.0,
        language="en",
        rubric_version="r",
        grader_version="g",
        seconds=0.0,
    )


def prompt(
    number: int = 0,
    question: str = ASKED,
    *,
    passages: tuple[str, ...] = (PASSAGE,),
    reference: str = "",
    response_type: ResponseType | None = None,
) -> EvaluationPrompt:
    return EvaluationPrompt(
        id=f"p{number}",
        key=f"key-{number:04d}",
        messages=({"role": "user", "content": question},),
        question=question,
        previous="",
        passages=passages,
        cited=(),
        reference=reference,
        response_type=response_type,
    )


def pair(
    a: Verdict,
    b: Verdict,
    number: int = 0,
    *,
    text_a: str = "27 days.",
    text_b: str = "27 days.",
    asked: EvaluationPrompt | None = None,
    reference: Verdict | None = None,
) -> Pair:
    asked = asked or prompt(number)
    question = Question(asked.question, asked.passages)
    return Pair(asked, Judged(text_a, question, a), Judged(text_b, question, b), reference)


def comparing_server(for_a: Callable[[str, str], float]) -> FastAPI:
    """An OpenAI-style server that gives the letter A this probability, from the two answers as shown."""
    app = FastAPI()

    @app.get("/v1/models")
    def models() -> dict[str, Any]:
        return {"object": "list", "data": [{"id": "comparer"}]}

    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> dict[str, Any]:
        said = (await request.json())["messages"][-1]["content"]
        if "<<<" not in said:  # the question whether it can answer at all
            return _reply([("yes", 0.9)])
        first, second = (part.split("\n>>>")[0] for part in said.split("<<<\n")[-2:])
        probability = for_a(first, second)
        return _reply([("A", probability), ("B", 1 - probability)])

    return app


def _reply(top: list[tuple[str, float]]) -> dict[str, Any]:
    shown = [{"token": word, "logprob": math.log(max(p, 1e-9))} for word, p in top]
    message = {"role": "assistant", "content": top[0][0]}
    logprobs = {"content": [{"top_logprobs": shown}]}
    return {"id": "x", "choices": [{"index": 0, "message": message, "logprobs": logprobs}]}
