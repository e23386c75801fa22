"""A turn as the log stores it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any

from contract.chat import ChatRequest
from contract.errors import PlumblineError
from contract.passage import Passage
from contract.verdict import Serve, Verdict
from feedback.records import CandidateRecord, CompletionRecord
from rbrm.rubric import Rubric
from server.callers import Caller
from server.decide import is_unsure
from server.live import Live
from server.outcome import Choice, Turn
from server.parts import Parts
from server.replies import error_body
from server.telemetry.flight import cut_reason
from text.language import reply_language


def turn_record(turn: Turn, reply: dict[str, Any], parts: Parts) -> CompletionRecord:
    """The row of a finished turn, with the reply as it goes out, and the rows of all its candidates."""
    served = any(choice.served is not None for choice in turn.choices)
    return CompletionRecord(
        id=turn.id,
        created=turn.created,
        person=turn.request.person(turn.caller.name),
        collection=turn.request.plumbline.collection or parts.settings.retrieval.collection,
        question=turn.evidence.question,
        language=turn.evidence.language,
        request=_request(turn.live, turn.request),
        prompt=_storable([dict(message) for message in turn.prompt], turn.request),
        passages=reply["plumbline"]["passages"],
        reply=reply,
        decision="serve" if served else "refuse",
        answered=any(choice.answered for choice in turn.choices),
        review=any(_needs_a_person(choice, parts.judge.rubric) for choice in turn.choices),
        policy_version=turn.policy_version,
        judge_version=parts.judge.version,
        rubric_version=parts.judge.rubric.fingerprint,
        index_version=turn.evidence.index_version,
        settings_version=parts.settings.version,
        seconds=turn.seconds,
        labels=_labels(
            turn.request,
            turn.caller,
            turn.evidence.passages,
            turn.verified.labels if turn.verified else (),
        ),
        made_by=turn.caller.name,
        candidates=tuple(_candidates(turn, parts)),
    )


def failed_record(
    live: Live,
    request: ChatRequest,
    parts: Parts,
    caller: Caller,
    error: BaseException,
) -> CompletionRecord:
    """The row of a turn that ended in an error; one that nobody foresaw stands there by its type."""
    if isinstance(error, asyncio.CancelledError):
        error = cut_reason() or PlumblineError(
            "The caller hung up before the turn was finished.", code="client_closed_request"
        )
    if not isinstance(error, PlumblineError):
        error = PlumblineError(f"unexpected: {type(error).__name__}")
    return CompletionRecord(
        id=live.id,
        created=live.created,
        person=request.person(caller.name),
        collection=request.plumbline.collection or parts.settings.retrieval.collection,
        question=request.question,
        language=reply_language(request.question),
        request=_request(live, request),
        prompt=[],
        passages=[],
        reply=error_body(error) | _shown(live),
        decision="error",
        answered=False,
        review=False,
        policy_version=parts.policy.version,
        judge_version=parts.judge.version,
        rubric_version=parts.judge.rubric.fingerprint,
        index_version="",
        settings_version=parts.settings.version,
        seconds=live.seconds(),
        labels=_labels(request, caller, ()),
        made_by=caller.name,
    )


def _needs_a_person(choice: Choice, rubric: Rubric) -> bool:
    queued = isinstance(choice.decision, Serve) and choice.decision.review
    verdict = choice.judgement if choice.served is not None else None
    return queued or (isinstance(verdict, Verdict) and is_unsure(verdict, rubric))


def _labels(
    request: ChatRequest,
    caller: Caller,
    passages: Sequence[Passage],
    others: Sequence[tuple[str, ...]] = (),
) -> list[list[str]]:
    """The labels of each labelled passage; who reads the turn back must be admitted to all of them.

    Earlier answers in the conversation may rest on anything that their reader may see, so a turn
    that repeats them asks for each label of its caller. `others` are groups of what an answer was made from
    beside its passages.
    """
    groups = {tuple(sorted(passage.labels)) for passage in passages if passage.labels}
    groups |= {tuple(sorted(group)) for group in others}
    if request.repeats_answers:
        groups |= {(label,) for label in caller.access.labels}
    return [list(group) for group in sorted(groups)]


def _shown(live: Live) -> dict[str, Any]:
    """What had gone out before a stream failed."""
    return {"plumbline": {"streamed": live.content}} if live.content else {}


def _request(live: Live, request: ChatRequest) -> dict[str, Any]:
    """The request as it came, without what was null; of pictures only their digest."""
    came = {name: value for name, value in live.body.items() if value is not None}
    found: dict[str, Any] = _storable(came, request)
    return found


def _storable(value: Any, request: ChatRequest) -> Any:
    return _without_pictures(value) if request.has_images else value


def _without_pictures(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_pictures(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_pictures(inner) for inner in value]
    if isinstance(value, str) and value.startswith("data:image/"):
        digest = hashlib.sha256(value.encode()).hexdigest()
        return f"{value[: value.find(',')]},sha256:{digest}"
    return value


def _candidates(turn: Turn, parts: Parts) -> list[CandidateRecord]:
    """What the judge was told of the documents stands with its judgement: without it nobody could judge the
    same answer again to the same reward."""
    held = parts.found_holding(turn.evidence)
    told = {} if held is None else {"documents_hold_answer": held}
    return [
        CandidateRecord(
            id=attempt.ids[ordinal],
            completion_id=turn.id,
            choice=number,
            attempt=round_number,
            ordinal=ordinal,
            text=candidate.text,
            served=attempt is choice.attempts[-1] and choice.served == ordinal,
            reward=judgement.reward if isinstance(judgement, Verdict) else None,
            completion_class=(
                judgement.completion_class if isinstance(judgement, Verdict) else None
            ),
            judgement=judgement.to_wire() | told,
            tool_calls=[dict(call) for call in candidate.tool_calls],
            reasoning=candidate.reasoning,
            mean_logprob=candidate.mean_logprob,
            completion_tokens=candidate.completion_tokens,
        )
        for number, choice in enumerate(turn.choices)
        for round_number, attempt in enumerate(choice.attempts)
        for ordinal, (candidate, judgement) in enumerate(
            zip(attempt.candidates, attempt.judgements, strict=True)
        )
    ]
