"""Feedback comes in: checked against the log as far as the log knows, then stored."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Collection
from typing import Any

from contract.access import OWNER, Access
from contract.errors import NotFound, RequestRejected
from contract.feedback import Feedback
from contract.ids import uuid7
from feedback.fit import check_fit, check_propositions, landed
from feedback.log import Log
from feedback.records import FeedbackRecord

# The id of a turn that may still be on its way into the log; those that were imported are there at once.
_TO_COME = re.compile(r"chatcmpl-[0-9a-f]{32}")


async def store(
    log: Log,
    feedback: Feedback,
    *,
    access: Access = OWNER,
    rater: str | None = None,
    propositions: Collection[str] | None = None,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Store feedback and say what became of it.

    Feedback may arrive before its completion has landed; it is kept, and counts once both are there.
    `rater` is who gave it where the feedback itself does not say. `propositions` are those of the rubric in
    service: a ruling may name these, and those that the judge has spoken of in its turn; None admits all. A
    dry run checks and stores nothing.

    Returns:
        The wire reply: `id`, `created`, `status` (`stored`, `duplicate` or `dry_run`), and whether the
        completion is known yet.

    Raises:
        NotFound: it is about a turn that this caller may not see, or an id that no turn can have.
        RequestRejected: it names a candidate of another conversation, an idempotency key that was used
            for other feedback, or a proposition that nobody knows.
        StorageFailed: it could not be made durable.
    """
    body = feedback.model_dump(mode="json", exclude_none=True)
    with log.reading() as connection:
        known = landed(connection, feedback.id)
        if known:
            check_fit(connection, feedback.id, body, access)
        elif not _TO_COME.fullmatch(feedback.id):
            raise NotFound(
                f"There is no completion {feedback.id!r}, and none can come: the id of a completion is "
                "`chatcmpl-` and 32 hexadecimal digits, as its reply has it.",
                param="id",
            )
        if feedback.propositions and propositions is not None:
            check_propositions(connection, feedback.id, feedback.propositions, propositions)
        if feedback.supersedes is not None:
            _check_superseded(connection, feedback)
    record = FeedbackRecord(
        id=f"fb-{uuid7()}",
        created=time.time(),
        completion_id=feedback.id,
        type=feedback.type,
        rater=feedback.rater or rater,
        idempotency_key=feedback.idempotency_key,
        supersedes=feedback.supersedes,
        body=body,
    )
    if dry_run:
        return _reply(record, "dry_run", known)
    stored, is_new = await log.write_feedback(record)
    if not is_new and _said(stored) != _said(record):
        raise RequestRejected(
            "This idempotency key was used for other feedback, which stands; nothing was stored. Use "
            "another key for this one.",
            param="idempotency_key",
        )
    return _reply(stored, "stored" if is_new else "duplicate", known)


def _reply(record: FeedbackRecord, status: str, known: bool) -> dict[str, Any]:
    return {
        "id": record.id,
        "object": "plumbline.feedback",
        "created": int(record.created),
        "completion_id": record.completion_id,
        "status": status,
        "completion_known": known,
    }


def _said(record: FeedbackRecord) -> tuple[object, ...]:
    return record.completion_id, record.rater, record.body


def _check_superseded(connection: sqlite3.Connection, feedback: Feedback) -> None:
    query = "SELECT 1 FROM feedback WHERE id = ? AND completion_id = ?"
    if connection.execute(query, (feedback.supersedes, feedback.id)).fetchone() is None:
        raise RequestRejected(
            f"There is no feedback {feedback.supersedes!r} on {feedback.id!r}.", param="supersedes"
        )
