"""The parts that a turn needs, in one value. `server/wiring.py` builds it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from contract.access import Access
from contract.candidate import Candidate, Policy, Prompt
from contract.chat import ChatRequest
from contract.filters import Filter
from contract.passage import DocumentRecord, Evidence, Hit, Once
from contract.replicas import Replicas
from contract.settings import Settings
from contract.verdict import Assessment, JudgeFailed, Judgement, Unjudged
from feedback.log import Log
from rbrm.answer import Question
from rbrm.guard import Guard, Look
from rbrm.judge import Judge, failed
from retrieval.retrieve import Retriever
from server.book import Book
from server.callers import Caller, Callers
from server.engine.supervisor import Supervisor
from server.flights import Flights
from server.follow_up import refers_back
from server.ingests import IngestQueue
from server.limits import Limiter
from server.outcome import Choice, Turn, candidates_in
from server.policy.rollout import Rollout
from server.promotion.promotion import Promotion
from server.spoken import channels_of, combined
from server.telemetry.telemetry import Telemetry
from server.together import Readings, Retrievals
from server.uploads import Uploads
from text.encoder import Encoder
from text.language import reply_language

T = TypeVar("T")


_PAGE = 1000

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything behind the routes. CPU-heavy work runs on `executor`, off the event loop: one
    thread, because the tokenizer is not to be shared and torch uses all cores by itself.

    Attributes:
        policy: what answers: of the whole server that which the settings name, of a turn (`for_turn`) the
            version that was chosen for it.
        replicas: the servers behind the policy; None with the embedded reader.
        engine: the engines that run here.
        book: the verified answers in force.
    """

    settings: Settings
    encoder: Encoder
    retriever: Retriever
    policy: Policy
    judge: Judge
    watch: Guard
    log: Log
    executor: Executor
    retrievals: Retrievals
    readings: Readings
    callers: Callers
    uploads: Uploads
    ingests: IngestQueue
    telemetry: Telemetry
    flights: Flights
    limiter: Limiter
    rollout: Rollout
    promotion: Promotion
    book: Book
    replicas: Replicas | None = None
    engine: Supervisor | None = None

    def start(self) -> None:
        """Begin what goes on beside the requests; needs a running event loop."""
        self.ingests.start()
        self.retriever.start()
        self.flights.start()
        self.promotion.start()
        if self.replicas is not None:
            self.replicas.start()

    def for_turn(self, request: ChatRequest, caller: Caller) -> Parts:
        """The parts of one turn, with the version that answers it in the place of the policy.

        Raises:
            NotAllowed, NotFound: the request names a version that its caller may not choose, or that is
                not loaded.
        """
        policy = self.rollout.choose(request, caller)
        return self if policy is self.policy else replace(self, policy=policy)

    def finished(self, turn: Turn) -> None:
        """A turn is logged: count what it came to, and take its tokens from its caller's budget."""
        tokens = self.telemetry.finished(turn)
        budget = self.limiter.budget(turn.caller.name, turn.caller.limits)
        if budget is not None:
            budget.charge(tokens)

    def retrieves(self, request: ChatRequest) -> bool:
        """Is the answer to come from documents?"""
        asked = request.plumbline.retrieve
        return self.settings.retrieval.enabled if asked is None else asked

    async def retrieve(self, request: ChatRequest, access: Access) -> Evidence:
        """The evidence for the last question of a request: only what the caller may see, and nothing
        where no documents are to be used."""
        if not self.retrieves(request):
            return Evidence(request.question, reply_language(request.question))
        earlier = request.earlier if refers_back(request.question) else ""
        evidence = await self.retrievals.submit((request, earlier, access))
        shown = [
            replace(passage, document=self.shown_path(passage.document, passage.title))
            for passage in evidence.passages
        ]
        return replace(evidence, passages=tuple(shown))

    async def search(
        self, query: str, collection: str, k: int, access: Access, where: Filter | None
    ) -> Sequence[Hit]:
        """The raw ranked chunks that the caller may see."""
        return await self.compute(
            lambda: self.retriever.search(
                query, collection=collection, k=k, access=access, where=where
            )
        )

    def all_documents(self, collection: str | None, access: Access) -> Iterator[DocumentRecord]:
        """Every document that the caller may see, page by page."""
        return all_documents(self.retriever, collection, access)

    def found_holding(self, evidence: Evidence) -> bool | None:
        """The same, where the judge needed to know it of this turn; else None, and nothing is computed."""
        support = evidence.support
        if not isinstance(support, Once) or support.found is None:
            return None
        return self.holds_answer(evidence)

    def shown_path(self, path: str, title: str) -> str:
        """What people read as a document's path: for an uploaded file the name that it came with."""
        return title if self.uploads.holds(path) else path

    async def prompt_tokens(self, prompt: Prompt, choices: Sequence[Choice]) -> int:
        """Tokens of the prompt: as the policy counted them, else as the encoder does."""
        counted = max((c.prompt_tokens or 0 for c in candidates_in(choices)), default=0)
        return counted or await self.count_tokens(prompt.texts)

    async def count_tokens(self, texts: Sequence[str]) -> int:
        """Tokens of all texts together, as the encoder counts them."""
        return await self.compute(lambda: sum(self.encoder.count_tokens(text) for text in texts))

    async def judge_candidates(
        self, request: ChatRequest, evidence: Evidence, candidates: Sequence[Candidate]
    ) -> list[Assessment]:
        """A judgement for each candidate, judged as it would be served: without invented marks.

        Where the judge is too slow, every judgement is JudgeFailed; failures are logged.
        """
        if not self.settings.judge.enabled:
            return [Unjudged()] * len(candidates)
        channels = [channels_of(candidate, evidence.passages) for candidate in candidates]
        texts = [text for channel in channels for text in channel]
        with self.telemetry.stage("judge"):
            judged = iter(await self.judge_texts(self._question(request, evidence), texts))
        return [
            combined(candidate, [next(judged) for _ in channel])
            for candidate, channel in zip(candidates, channels, strict=True)
        ]

    async def guard(self, request: ChatRequest, evidence: Evidence, text: str, new: int) -> Look:
        """What the guard sees in a growing text, let out up to offset `new`. A guard that breaks or is too
        slow names itself as a violation: it has approved nothing."""
        if not self.settings.judge.enabled:
            return Look()
        limit = self.settings.judge.timeout_seconds
        question = self._question(request, evidence)
        work = partial(self.watch.look, question, text, new)
        try:
            with self.telemetry.stage("judge"):
                if self.judge.waits:
                    waiting = asyncio.to_thread(work, time.monotonic() + limit)
                    return await asyncio.wait_for(waiting, limit)
                return await self.compute(lambda: work(time.monotonic() + limit), limit)
        except Exception as error:  # a judge that broke has approved nothing
            self.telemetry.judge_failed(1)
            _log.error("the guard failed and lets nothing out: %s", type(error).__name__)
            return Look((f"the judge failed: {type(error).__name__}",))

    def _question(self, request: ChatRequest, evidence: Evidence) -> Question:
        return question_of(request, evidence, partial(self.holds_answer, evidence))

    async def judge_texts(self, question: Question, texts: Sequence[str]) -> Sequence[Judgement]:
        """A judgement for each text. Reading runs on the compute thread; waiting for a language model or
        a reward server does not, so that it keeps nobody else from being judged.

        Where the judge breaks or is too slow, every judgement is JudgeFailed; failures are logged.
        """
        limit = self.settings.judge.timeout_seconds
        try:
            judgements: Sequence[Judgement] = await self._judge(question, texts, limit)
        except TimeoutError:
            judgements = [JudgeFailed(f"judging took longer than {limit:g} seconds")] * len(texts)
        except Exception as error:  # a judge that broke has approved nothing, and the turn goes on
            judgements = failed(error, len(texts))
        broken = [judgement for judgement in judgements if isinstance(judgement, JudgeFailed)]
        self.telemetry.judge_failed(len(broken))
        for judgement in broken:
            # What follows the kind of error may repeat what a model's server was sent.
            kind = judgement.reason.split(":")[0]
            detail = {"detail": judgement.reason}
            _log.error("the judge failed and approves nothing: %s", kind, extra=detail)
        return judgements

    async def _judge(
        self, question: Question, texts: Sequence[str], limit: float
    ) -> Sequence[Judgement]:
        draft = await self.readings.submit((question, texts), limit)
        if self.judge.waits:
            deadline = time.monotonic() + limit
            asking = asyncio.to_thread(self.judge.ask, draft, deadline)
            draft = await asyncio.wait_for(asking, limit)
        return self.judge.conclude(draft)

    def holds_answer(self, evidence: Evidence) -> bool:
        """Do the passages hold an answer, as far as words and vectors can tell?"""
        return evidence.support() >= self.settings.reader.min_support

    async def compute(self, work: Callable[[], T], limit_seconds: float | None = None) -> T:
        """Run CPU-heavy work off the event loop.

        The limit counts from the moment the work begins: waiting for one's turn under load is no
        reason to give up.

        Raises:
            TimeoutError: the work took longer than the limit.
        """
        loop = asyncio.get_running_loop()
        begun = asyncio.Event()

        def run() -> T:
            loop.call_soon_threadsafe(begun.set)
            return work()

        result = loop.run_in_executor(self.executor, run)
        await begun.wait()
        return await asyncio.wait_for(result, limit_seconds)

    def warm_up(self) -> None:
        """Load the weights and run every CPU-heavy part once, so that the first user need not wait."""
        self.judge.judge(Question("Is everything ready?"), ["Yes, everything is ready."])
        self.encoder.encode(["Is everything ready?"])

    async def close(self) -> None:
        """Close everything that holds a connection, a file or a thread."""
        await self.flights.close()
        await self.promotion.close()
        await asyncio.to_thread(self.ingests.close)
        await self.policy.close()
        self.judge.close()
        if self.engine is not None:
            await asyncio.to_thread(self.engine.close)
        self.executor.shutdown(wait=True, cancel_futures=True)
        self.retriever.close()
        self.book.close()
        self.log.close()
        await asyncio.to_thread(self.telemetry.close)


def question_of(
    request: ChatRequest, evidence: Evidence, documents_hold_answer: Callable[[], bool]
) -> Question:
    """What the judge is told of a request; the results of tools are material as passages are."""
    results = [m.text for m in request.messages[request.asked :] if m.role == "tool"]
    return Question(
        text=evidence.question,
        passages=(*(passage.text for passage in evidence.passages), *results),
        response_type=request.plumbline.response_type,
        documents_hold_answer=documents_hold_answer,
        previous=request.previous_answer,
    )


def all_documents(
    retriever: Retriever, collection: str | None, access: Access
) -> Iterator[DocumentRecord]:
    """Every document that a caller may see, page by page."""
    after: str | None = None
    while page := retriever.documents(
        collection=collection, access=access, after=after, limit=_PAGE
    ):
        yield from page
        after = page[-1].id
