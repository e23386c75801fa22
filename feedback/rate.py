"""Feedback comes in: checked against the log as far as the log knows, then stored."""

from __future__ import annotations

import time
from typing import Any

from contract.access import OWNER, Access
from contract.errors import NotFound, RequestRejected
from contract.feedback import Feedback
from contract.ids import uuid7
from feedback.log import Log
from feedback.records import FeedbackRecord


async def store(
    log: Log, feedback: Feedback, *, access: Access = OWNER, rater: str | None = None
) -> dict[str, Any]:
    """Store feedback and say what became of it.

    Feedback may arrive before its completion has landed; it is kept, and counts once both are there.
    `rater` is who gave it where the feedback itself does not say.

    Returns:
        The wire reply: `id`, `created`, `status` (`stored` or `duplicate`), and whether the
        completion is `known` yet.

    Raises:
        NotFound: it is about a turn that this caller may not see.
        RequestRejected: it names a candidate of another conversation, or an idempotency key that
            was used for another completion.
        StorageFailed: it could not be made durable.
    """
    known = log.has_completion(feedback.id)
    if known:
        _check_candidates(log, feedback, access)
    if feedback.supersedes is not None:
        _check_superseded(log, feedback)
    record = FeedbackRecord(
        id=f"fb-{uuid7()}",
        created=time.time(),
        completion_id=feedback.id,
        type=feedback.type,
        rater=feedback.rater or rater,
        idempotency_key=feedback.idempotency_key,
        supersedes=feedback.supersedes,
        body=feedback.model_dump(mode="json", exclude_none=True),
    )
    stored, is_new = await log.write_feedback(record)
    if stored.completion_id != feedback.id:
        raise RequestRejected(
            "This idempotency key was used for feedback on another completion.",
            param="idempotency_key",
        )
    return {
        "id": stored.id,
        "object": "plumbline.feedback",
        "created": int(stored.created),
        "completion_id": stored.completion_id,
        "status": "stored" if is_new else "duplicate",
        "completion_known": known,
    }


def _check_superseded(log: Log, feedback: Feedback) -> None:
    mine = log.feedback(completion_id=feedback.id, include_superseded=True)
    if all(row.id != feedback.supersedes for row in mine):
        raise RequestRejected(
            f"There is no feedback {feedback.supersedes!r} on {feedback.id!r}.", param="supersedes"
        )


def _check_candidates(log: Log, feedback: Feedback, access: Access) -> None:
    messages = log.completion(feedback.id, access=access).request["messages"]
    named: dict[str, list[str | None]] = {
        "candidate_id": [feedback.candidate_id],
        "preferred_id": [feedback.preferred_id],
        "rejected_id": [feedback.rejected_id],
        "ranking": [*(feedback.ranking or [])],
    }
    for param, identifiers in named.items():
        for identifier in identifiers:
            if identifier is None:
                continue
            owner = _visible_owner(log, identifier, access)
            if owner is None:
                raise RequestRejected(
                    f"There is no candidate or completion {identifier!r}. Candidate ids are in the "
                    "reply when the request says plumbline.show_candidates.",
                    param=param,
                )
            elsewhere = owner != feedback.id
            if elsewhere and param == "candidate_id":
                raise RequestRejected(
                    f"The candidate {identifier!r} belongs to {owner!r}, not to {feedback.id!r}.",
                    param=param,
                )
            if elsewhere and log.completion(owner).request["messages"] != messages:
                raise RequestRejected(
                    f"{identifier!r} answers another conversation than {feedback.id!r}; only "
                    "answers to the same one can be compared.",
                    param=param,
                )


def _visible_owner(log: Log, identifier: str, access: Access) -> str | None:
    """The completion that a candidate belongs to, as far as this caller may know of it."""
    owner = log.completion_of_candidate(identifier)
    try:
        return None if owner is None else log.completion(owner, access=access).id
    except NotFound:
        return None
