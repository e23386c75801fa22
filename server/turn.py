"""The whole request: retrieve → prompt → generate → judge → decide → log → reply."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace

from contract.candidate import Candidate
from contract.chat import ChatRequest
from contract.errors import PolicyUnavailable
from contract.ids import uuid7
from contract.passage import Evidence
from contract.verdict import Refuse, Regenerate
from server.callers import Caller
from server.decide import decide
from server.outcome import Attempt, Choice, Turn, settled
from server.parts import Parts
from server.prompt import build_prompt
from server.record import failed_record, turn_record
from server.sampling import candidates_of, check_context, check_size, sampling_of


async def run_turn(request: ChatRequest, parts: Parts, caller: Caller) -> Turn:
    """Answer a request; the turn is durable when this returns.

    Raises:
        RequestRejected, NotFound, ContextTooLong: the caller must change the request.
        NotReady, PolicyUnavailable, StorageFailed: try again later.

    A turn that fails is logged as well, and so is one whose caller hangs up.
    """
    turn_id, created = f"chatcmpl-{uuid7()}", time.time()
    try:
        await check_size(request, parts)
        evidence = await parts.retrieve(request, caller.access)
        prompt = build_prompt(request.messages, evidence)
        tokens = await check_context(prompt, request, parts)
        choices = await _settle_all(request, evidence, parts)
    except (Exception, asyncio.CancelledError) as error:
        record = failed_record(turn_id, created, request, parts, caller, error)
        await asyncio.shield(parts.log.write_completion(record))
        raise
    seconds = time.time() - created
    turn = Turn(
        turn_id, created, request, caller, evidence, prompt.messages, tokens, choices, seconds
    )
    await parts.log.write_completion(turn_record(turn, parts))
    return turn


async def _settle_all(request: ChatRequest, evidence: Evidence, parts: Parts) -> list[Choice]:
    """All choices of the reply; where one fails, the others need not be finished."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(settle(request, evidence, number, parts))
                for number in range(request.n)
            ]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from failures
    return [task.result() for task in tasks]


async def settle(request: ChatRequest, evidence: Evidence, number: int, parts: Parts) -> Choice:
    """Generate, judge and decide until choice `number` of the reply is settled."""
    limits = parts.settings.decision
    deadline = time.monotonic() + limits.budget_seconds
    attempts: list[Attempt] = []
    while True:
        try:
            candidates = await _generate(request, evidence, number, attempts, parts)
        except PolicyUnavailable as error:
            if not attempts:
                raise
            # An earlier draft was turned down; the policy's death must not hide it from the log.
            refusal = Refuse("comply", f"the policy failed on another attempt: {error.message}")
            return settled([*attempts[:-1], replace(attempts[-1], decision=refusal)], evidence)
        judgements = await parts.judge_candidates(request, evidence, candidates)
        decision = decide(
            judgements,
            parts.judge.rubric,
            language=evidence.language,
            may_retry=len(attempts) + 1 < limits.attempts and time.monotonic() < deadline,
            documents_hold_answer=parts.holds_answer(evidence),
            min_margin=limits.min_margin,
        )
        ids = [f"cand-{uuid7()}" for _ in candidates]
        attempts.append(Attempt(candidates, ids, judgements, decision))
        if not isinstance(decision, Regenerate):
            return settled(attempts, evidence)


async def _generate(
    request: ChatRequest,
    evidence: Evidence,
    number: int,
    before: Sequence[Attempt],
    parts: Parts,
) -> Sequence[Candidate]:
    """Candidates for one attempt; a later one is told why the drafts before it were turned down."""
    last = before[-1].decision if before else None
    prompt = build_prompt(
        request.messages,
        evidence,
        hint=last.hint if isinstance(last, Regenerate) else "",
        rejected=[candidate.text for attempt in before for candidate in attempt.candidates],
    )
    count = candidates_of(request, parts.settings)
    sampling = sampling_of(request, parts.settings, offset=number * count)
    return await parts.policy.generate(prompt, count, sampling)
