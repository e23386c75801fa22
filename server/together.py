"""What requests have in common: questions and answers of several are encoded in one call."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Executor

from contract.access import Access
from contract.chat import ChatRequest
from contract.passage import Evidence
from rbrm.answer import Question
from rbrm.judge import Draft, Encoded, Judge
from retrieval.retrieve import Retriever, searched
from server.batches import Batches

# A request, the question before it where it refers back to that, and what its caller may see.
Retrieval = tuple[ChatRequest, str, Access]
Retrievals = Batches[Retrieval, None, Evidence]
Readings = Batches[tuple[Question, Sequence[str]], Encoded, Draft]


def retrievals(executor: Executor, retriever: Retriever) -> Retrievals:
    """Retrieval whose questions are encoded together."""

    def prepare(asked: Sequence[Retrieval]) -> Sequence[None]:
        retriever.encode_questions(
            [searched(request.question, earlier) for request, earlier, _ in asked]
        )
        return [None] * len(asked)

    def work(asked: Retrieval, _: None) -> Evidence:
        request, earlier, access = asked
        options = request.plumbline
        return retriever.retrieve(
            request.question,
            earlier=earlier,
            collection=options.collection,
            k=options.k,
            access=access,
            where=options.filters,
        )

    return Batches(executor, prepare, work)


def readings(executor: Executor, judge: Judge, limit_seconds: float) -> Readings:
    """Judging whose answers are encoded together."""

    def prepare(asked: Sequence[tuple[Question, Sequence[str]]]) -> Sequence[Encoded]:
        return judge.encode(asked, time.monotonic() + limit_seconds)

    def work(asked: tuple[Question, Sequence[str]], encoded: Encoded) -> Draft:
        return judge.read(*asked, encoded=encoded)

    return Batches(executor, prepare, work)
