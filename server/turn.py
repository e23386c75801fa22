"""The whole request: retrieve → prompt → generate → judge → decide → log → reply."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import Any

from contract.candidate import Prompt
from contract.chat import ChatRequest
from contract.errors import PlumblineError, StorageFailed
from contract.passage import Evidence
from contract.verdict import Assessment, Refuse, Regenerate
from server.callers import Caller
from server.candidates import Group, different, sample, wants_more
from server.decide import decide, may_try_again, selectors
from server.live import Live
from server.outcome import Attempt, Choice, Turn, settled
from server.parts import Parts
from server.prompt import build_prompt
from server.record import failed_record, turn_record
from server.replies import completion
from server.sampling import candidates_of, check_context, check_size
from server.windowed import stream_choice


async def run_turn(
    request: ChatRequest, parts: Parts, caller: Caller, live: Live
) -> tuple[Turn, dict[str, Any]]:
    """Answer a request; the turn, and the reply that it makes, are durable when this returns.

    Where `live` is windowed, the answer goes out through it while it is written.

    Raises:
        RequestRejected, NotFound, ContextTooLong: the caller must change the request.
        NotReady, PolicyUnavailable, StorageFailed: try again later.

    A turn that fails is logged as well, and so is one whose caller hangs up.
    """
    stage = parts.telemetry.stage
    try:
        # What could not be stored is not begun, and of a stream nothing is let out.
        await parts.log.check()
        await check_size(request, parts)
        with stage("retrieve"):
            evidence = await parts.retrieve(request, caller.access)
        with stage("prompt"):
            prompt = build_prompt(request.messages, evidence, grounded=parts.retrieves(request))
            await check_context(prompt, request, parts)
        if live.windowed:
            choices = [await stream_choice(request, prompt, parts, live)]
        else:
            choices = await settle_all(request, prompt, parts)
    except (Exception, asyncio.CancelledError) as error:
        parts.telemetry.failed(error)
        record = failed_record(live, request, parts, caller, error)
        await asyncio.shield(parts.log.write_completion(record))
        raise
    tokens = await parts.prompt_tokens(prompt, choices)
    turn = Turn(
        live=live,
        request=request,
        caller=caller,
        evidence=evidence,
        prompt=prompt.messages,
        prompt_tokens=tokens,
        choices=choices,
        seconds=live.seconds(),
        policy_version=parts.policy.version,
        stages=parts.telemetry.stages(),
    )
    reply = completion(turn)
    try:
        with stage("log"):
            await parts.log.write_completion(turn_record(turn, reply, parts))
    except StorageFailed as error:
        parts.telemetry.failed(error)
        raise
    parts.finished(turn)
    return turn, reply


async def settle_all(request: ChatRequest, prompt: Prompt, parts: Parts) -> list[Choice]:
    """All choices of the reply. Their first candidates come from one request and are judged in one
    batch; where one choice fails later on, the others need not be finished."""
    count, _ = candidates_of(request, parts.settings)
    with parts.telemetry.stage("generate"):
        groups = await sample(request, prompt, parts, choices=request.n, candidates=count)
    flat = [candidate for group in groups for candidate in group]
    judged = iter(await parts.judge_candidates(request, prompt.evidence, flat))
    firsts = [(group, [next(judged) for _ in group]) for group in groups]
    if len(firsts) == 1:
        return [await settle(request, prompt, parts, *firsts[0])]
    try:
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(settle(request, prompt, parts, *first)) for first in firsts
            ]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from failures
    return [task.result() for task in running]


async def settle(
    request: ChatRequest,
    prompt: Prompt,
    parts: Parts,
    candidates: Group,
    judgements: list[Assessment],
) -> Choice:
    """Decide about the first candidates of a choice, and regenerate until it is settled."""
    limits, evidence = parts.settings.decision, prompt.evidence
    deadline = time.monotonic() + limits.budget_seconds
    attempts: list[Attempt] = []
    while True:
        try:
            if attempts:
                candidates = await _regenerate(request, evidence, parts, attempts)
                judgements = list(await parts.judge_candidates(request, evidence, candidates))
            await _spend_more(request, prompt, parts, attempts, candidates, judgements)
        except PlumblineError as error:
            if not attempts:
                raise
            # An earlier draft was turned down; the policy's death must not hide it from the log.
            return settled(_given_up(attempts, error), evidence)
        spent = sum(c.completion_tokens or 0 for a in attempts for c in a.candidates)
        spent += sum(c.completion_tokens or 0 for c in candidates)
        with parts.telemetry.stage("decide"):
            decision = decide(
                judgements,
                parts.judge.rubric,
                language=evidence.language,
                may_retry=time.monotonic() < deadline
                and may_try_again(limits, len(attempts) + 1, spent),
                documents_hold_answer=partial(parts.holds_answer, evidence),
                min_margin=limits.min_margin,
                logprobs=selectors(limits, [c.mean_logprob for c in candidates]),
            )
        attempts.append(Attempt.of(candidates, judgements, decision))
        if not isinstance(decision, Regenerate):
            return settled(attempts, evidence)


async def _regenerate(
    request: ChatRequest, evidence: Evidence, parts: Parts, before: list[Attempt]
) -> Group:
    """Candidates that are told why the drafts before them were turned down."""
    last = before[-1].decision
    assert isinstance(last, Regenerate)
    prompt = build_prompt(
        request.messages,
        evidence,
        grounded=parts.retrieves(request),
        hint=last.hint,
        rejected=[candidate.text for attempt in before for candidate in attempt.candidates],
    )
    count, _ = candidates_of(request, parts.settings)
    with parts.telemetry.stage("generate"):
        return (await sample(request, prompt, parts, candidates=count))[0]


async def _spend_more(
    request: ChatRequest,
    prompt: Prompt,
    parts: Parts,
    before: list[Attempt],
    candidates: Group,
    judgements: list[Assessment],
) -> None:
    """With `candidates: auto`, add samples to the first ones where these disagree or fall short."""
    first, most = candidates_of(request, parts.settings)
    if before or most <= first or not wants_more(judgements, parts.settings.policy):
        return
    with parts.telemetry.stage("generate"):
        more = await sample(request, prompt, parts, candidates=most - first, first=first)
    added = different(more[0], candidates)
    judgements += await parts.judge_candidates(request, prompt.evidence, added)
    candidates += added


def _given_up(attempts: list[Attempt], error: PlumblineError) -> list[Attempt]:
    refusal = Refuse("comply", f"the policy failed on another attempt: {error.message}")
    return [*attempts[:-1], attempts[-1].ending_in(refusal)]
