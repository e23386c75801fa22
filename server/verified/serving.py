"""A turn that a verified answer answers: found by its question, held against its sources, judged, served."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from functools import partial

from rapidfuzz import fuzz

from contract.candidate import Candidate, Prompt
from contract.chat import ChatRequest
from contract.errors import NotFound, StorageFailed
from contract.passage import Evidence
from contract.verdict import Assessment, JudgeFailed, Serve, Verdict
from contract.verified import VERSION
from feedback.verified import VerifiedRecord, end_verified, find_verified, note_withheld
from server.book import Entry
from server.callers import Caller
from server.live import Live
from server.outcome import Attempt, Choice, Verified, settled
from server.parts import Parts
from server.prompt import build_prompt
from server.verified.eligible import eligible, fits, instructions_of
from server.verified.standing import Standing, standing
from text.questions.likeness import asked_as

_log = logging.getLogger(__name__)

# Rules find it, and the encoder has to agree, where it reads the language: the cosine of two questions that
# ask the same in other words is rarely below this (docs/benchmarks.md).
LEAST_COSINE = 0.75


@dataclass(frozen=True, slots=True)
class Found:
    """What a verified answer makes of a turn."""

    choice: Choice
    prompt: Prompt
    verified: Verified

    @property
    def policy_version(self) -> str:
        """What the turn's row has for the policy."""
        return VERSION + self.verified.id


async def from_verified(
    request: ChatRequest, evidence: Evidence, parts: Parts, caller: Caller, live: Live
) -> Found | None:
    """The verified answer to a request, judged, and let out where the reply is windowed; None where the
    policy is to answer. Whatever goes wrong here leaves the turn to the policy."""
    try:
        if not await parts.book.follow() or not eligible(request, parts):
            return None
        near = _near(request, evidence, parts, caller)
        if near is None:
            return None
        entry, exact = near
        similarity = (
            1.0 if exact else await parts.compute(partial(_likeness, entry, evidence, parts))
        )
        if similarity is None:
            return None
        return await _served(request, evidence, parts, caller, live, entry, similarity)
    except Exception as error:  # a turn that the policy can answer does not fail for this
        _log.error("verified answers can't be looked at: %s", type(error).__name__)
        return None


def _near(
    request: ChatRequest, evidence: Evidence, parts: Parts, caller: Caller
) -> tuple[Entry, bool] | None:
    collection = request.plumbline.collection or parts.settings.retrieval.collection
    place = (collection, evidence.language, instructions_of(request))
    asked = asked_as(evidence.question, evidence.language)
    return parts.book.find(asked, place, caller.access)


def _likeness(entry: Entry, evidence: Evidence, parts: Parts) -> float | None:
    """How alike two questions are that rules take for the same; None where the encoder does not agree."""
    share = parts.settings.retrieval.max_unknown_share
    if not parts.encoder.reads(evidence.question, share):
        return fuzz.ratio(entry.question, evidence.question) / 100
    mine, theirs = parts.encoder.encode_questions([evidence.question, entry.question])
    cosine = float(mine @ theirs)
    return min(cosine, 1.0) if cosine >= LEAST_COSINE else None


async def _served(
    request: ChatRequest,
    evidence: Evidence,
    parts: Parts,
    caller: Caller,
    live: Live,
    entry: Entry,
    similarity: float,
) -> Found | None:
    record, stands = await look_at(entry.id, parts, caller)
    if record is None or not stands.admits(caller.access):
        return None
    if not await fits(request, record.answer, parts):
        return None
    own = replace(evidence, passages=stands.passages)
    prompt = build_prompt(request.messages, own)
    candidate = Candidate(record.answer, prompt_tokens=0, completion_tokens=0)
    judgement = (await parts.judge_candidates(request, own, [candidate]))[0]
    if reason := _against(judgement):
        await _withheld(record.id, reason, parts)
        return None
    decision = Serve(0, reason=f"the verified answer {record.id}, which a person stands for")
    choice = settled([Attempt.of([candidate], [judgement], decision)], own)
    found = Found(choice, prompt, Verified(record.id, record.question, similarity, entry.labels))
    live.policy_version = found.policy_version
    if live.windowed:
        live.say(choice.cited.content)
    parts.telemetry.verified("served")
    return found


async def look_at(
    identifier: str, parts: Parts, caller: Caller
) -> tuple[VerifiedRecord | None, Standing]:
    """A verified answer as it is in force now, and how it stands in the index in service; one whose
    sources changed is ended. None where it is not, or is not for this caller."""
    try:
        with parts.log.reading() as connection:
            record = find_verified(connection, identifier, caller.access)
    except NotFound:
        return None, Standing()
    if record.state != "in_force":
        return None, Standing()
    documents = [source["document_id"] for source in record.sources]
    sources = await parts.compute(partial(parts.retriever.sources, documents))
    stands = standing(record, sources)
    if stands.expired:
        await expire(record, stands.expired, parts)
        return None, stands
    return record, stands


async def expire(record: VerifiedRecord, reason: str, parts: Parts) -> None:
    """End a verified answer for what became of its sources."""
    _log.info("verified answer %s expired", record.id)
    parts.telemetry.verified("expired")
    said = f"expired: {reason}"
    try:
        await parts.log.write(lambda c: end_verified(c, record.id, "expired", said))
    except StorageFailed as error:
        _log.error("it is not served, but the log still has it in force: %s", error.message)


def _against(judgement: Assessment) -> str:
    """Why the judge would not let it out; empty where it would. People may answer in ways that the rubric
    likes less, but none that it forbids."""
    if isinstance(judgement, JudgeFailed):
        return f"the judge failed: {judgement.reason.split(':')[0]}"
    if not isinstance(judgement, Verdict):
        return ""
    if judgement.violations:
        return ", ".join(judgement.violations)
    return "disallowed" if judgement.completion_class == "disallowed" else ""


async def _withheld(identifier: str, reason: str, parts: Parts) -> None:
    _log.warning("verified answer %s was withheld, the policy answers: %s", identifier, reason)
    parts.telemetry.verified("withheld")
    try:
        await parts.log.write(lambda connection: note_withheld(connection, identifier, reason))
    except StorageFailed as error:
        _log.error("that it was withheld is not in the log: %s", error.message)
