"""The whole request: retrieve → prompt → generate → judge → decide → log → reply."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence

from contract.candidate import Candidate, Sampling
from contract.chat import ChatRequest
from contract.errors import ContextTooLong, PlumblineError
from contract.ids import uuid7
from contract.passage import Evidence
from contract.verdict import JudgeFailed, Judgement, Refuse, Regenerate, Serve, Verdict
from server.citations import Cited, cite
from server.decide import decide
from server.outcome import Attempt, Choice, Turn
from server.parts import Parts
from server.prompt import build_prompt
from server.record import failed_record, turn_record
from server.wording import REFUSAL, in_language

_log = logging.getLogger(__name__)

# What the answer itself is assumed to need when the request sets no limit.
_ANSWER_TOKENS = 256


async def run_turn(request: ChatRequest, parts: Parts) -> Turn:
    """Answer a request and make the turn durable before it is sent.

    Raises:
        RequestRejected, NotFound, ContextTooLong: the caller must change the request.
        NotReady, PolicyUnavailable, StorageFailed: try again later. The failure is logged.
    """
    turn_id, created = f"chatcmpl-{uuid7()}", time.time()
    try:
        turn = await _run(turn_id, created, request, parts)
    except PlumblineError as error:
        await parts.log.write_completion(failed_record(turn_id, created, request, parts, error))
        raise
    await parts.log.write_completion(turn_record(turn, parts))
    return turn


async def _run(turn_id: str, created: float, request: ChatRequest, parts: Parts) -> Turn:
    evidence = await parts.retrieve(request)
    prompt = build_prompt(request.messages, evidence)
    tokens = await parts.count_tokens([message["content"] for message in prompt.messages])
    await _check_context(tokens, request, parts)
    choices = await asyncio.gather(
        *(settle(request, evidence, number, parts) for number in range(request.n))
    )
    seconds = time.time() - created
    return Turn(turn_id, created, request, evidence, prompt.messages, tokens, choices, seconds)


async def settle(request: ChatRequest, evidence: Evidence, number: int, parts: Parts) -> Choice:
    """Generate, judge and decide until one choice of the reply is settled."""
    deadline = time.monotonic() + parts.settings.decision.budget_seconds
    attempts: list[Attempt] = []
    hint = ""
    while True:
        attempt = await _attempt(request, evidence, number, attempts, hint, deadline, parts)
        attempts.append(attempt)
        if isinstance(attempt.decision, Regenerate):
            hint = attempt.decision.hint
            continue
        return _choice(attempts, evidence)


async def _attempt(
    request: ChatRequest,
    evidence: Evidence,
    number: int,
    before: Sequence[Attempt],
    hint: str,
    deadline: float,
    parts: Parts,
) -> Attempt:
    rejected = [candidate.text for attempt in before for candidate in attempt.candidates]
    prompt = build_prompt(request.messages, evidence, hint=hint, rejected=rejected)
    count = request.plumbline.candidates or parts.settings.candidates
    sampling = _sampling(request, parts, offset=number * count)
    candidates = await parts.policy.generate(prompt, count, sampling)
    judgements = await _judge(request, evidence, candidates, parts)
    settings = parts.settings.decision
    decision = decide(
        judgements,
        parts.judge.rubric,
        language=evidence.language,
        may_retry=len(before) + 1 < settings.attempts and time.monotonic() < deadline,
        documents_hold_answer=parts.holds_answer(evidence),
        min_margin=settings.min_margin,
    )
    return Attempt(candidates, [f"cand-{uuid7()}" for _ in candidates], judgements, decision)


async def _judge(
    request: ChatRequest, evidence: Evidence, candidates: Sequence[Candidate], parts: Parts
) -> Sequence[Judgement]:
    # Judged as it would be served: invented marks are gone.
    texts = [cite(candidate.text, evidence.passages).content for candidate in candidates]
    judgements = await parts.judge_texts(request, evidence, texts)
    for judgement in judgements:
        if isinstance(judgement, JudgeFailed):
            _log.error("the judge failed, its candidate will not be served: %s", judgement.reason)
    return judgements


def _choice(attempts: Sequence[Attempt], evidence: Evidence) -> Choice:
    last = attempts[-1]
    if isinstance(last.decision, Refuse):
        text = in_language(REFUSAL[last.decision.style], evidence.language)
        return Choice(attempts, Cited(text, ()), None, text)
    assert isinstance(last.decision, Serve)
    index = last.decision.index
    verdict = last.judgements[index]
    assert isinstance(verdict, Verdict)
    cited = cite(last.candidates[index].text, evidence.passages)
    if verdict.abstains or verdict.refuses:
        cited = cite(last.candidates[index].text, ())
    return Choice(attempts, cited, index, cited.content if verdict.refuses else None)


def _sampling(request: ChatRequest, parts: Parts, *, offset: int) -> Sampling:
    passed = ("presence_penalty", "frequency_penalty", "logit_bias", "response_format")
    extra = {name: value for name in passed if (value := getattr(request, name)) is not None}
    if extra.get("response_format") == {"type": "text"}:
        del extra["response_format"]
    return Sampling(
        temperature=request.temperature,
        top_p=request.top_p,
        max_tokens=request.max_completion_tokens or request.max_tokens,
        stop=request.stops,
        seed=request.seed,
        max_sentences=request.plumbline.max_sentences or parts.settings.reader.max_sentences,
        offset=offset,
        extra=extra,
    )


async def _check_context(tokens: int, request: ChatRequest, parts: Parts) -> None:
    limit = await parts.policy.context_tokens()
    asked = request.max_completion_tokens or request.max_tokens
    if tokens + (asked or min(_ANSWER_TOKENS, limit // 4)) > limit:
        raise ContextTooLong(
            f"The prompt has about {tokens} tokens with the retrieved passages"
            f"{f' and asks for {asked} more' if asked else ''}, but the context of the policy is "
            f"{limit}. Send a shorter conversation, or lower max_tokens.",
            param="messages",
        )
