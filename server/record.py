"""A turn as the log stores it."""

from __future__ import annotations

from contract.chat import ChatRequest
from contract.errors import PlumblineError
from contract.verdict import Serve, Verdict
from feedback.records import CandidateRecord, CompletionRecord
from server.outcome import Turn
from server.parts import Parts
from server.replies import completion, error_body
from text.language import reply_language


def turn_record(turn: Turn, parts: Parts) -> CompletionRecord:
    """The row of a finished turn and the rows of all its candidates."""
    served = any(choice.served is not None for choice in turn.choices)
    return CompletionRecord(
        id=turn.id,
        created=turn.created,
        person=turn.request.person,
        collection=turn.request.plumbline.collection or parts.settings.retrieval.collection,
        question=turn.evidence.question,
        language=turn.evidence.language,
        request=_request(turn.request),
        prompt=[dict(message) for message in turn.prompt],
        passages=[passage.to_wire() for passage in turn.evidence.passages],
        reply=completion(turn, parts.policy.version),
        decision="serve" if served else "refuse",
        answered=any(choice.answered for choice in turn.choices),
        review=any(isinstance(c.decision, Serve) and c.decision.review for c in turn.choices),
        policy_version=parts.policy.version,
        judge_version=parts.judge.version,
        rubric_version=parts.judge.rubric.fingerprint,
        index_version=turn.evidence.index_version,
        settings_version=parts.settings.version,
        seconds=turn.seconds,
        candidates=tuple(_candidates(turn)),
    )


def failed_record(
    turn_id: str, created: float, request: ChatRequest, parts: Parts, error: Exception
) -> CompletionRecord:
    """The row of a turn that ended in an error; one that nobody foresaw stands there by its type."""
    if not isinstance(error, PlumblineError):
        error = PlumblineError(f"unexpected: {type(error).__name__}")
    return CompletionRecord(
        id=turn_id,
        created=created,
        person=request.person,
        collection=request.plumbline.collection or parts.settings.retrieval.collection,
        question=request.question,
        language=reply_language(request.question),
        request=_request(request),
        prompt=[],
        passages=[],
        reply=error_body(error),
        decision="error",
        answered=False,
        review=False,
        policy_version=parts.policy.version,
        judge_version=parts.judge.version,
        rubric_version=parts.judge.rubric.fingerprint,
        index_version="",
        settings_version=parts.settings.version,
        seconds=0.0,
    )


def _request(request: ChatRequest) -> dict[str, object]:
    return request.model_dump(mode="json", exclude_unset=True)


def _candidates(turn: Turn) -> list[CandidateRecord]:
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
            judgement=judgement.to_wire(),
        )
        for number, choice in enumerate(turn.choices)
        for round_number, attempt in enumerate(choice.attempts)
        for ordinal, (candidate, judgement) in enumerate(
            zip(attempt.candidates, attempt.judgements, strict=True)
        )
    ]
