"""Rows of the log as they are written and read: each takes a connection, none commits."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import fields, replace
from typing import Any

import orjson

from contract.access import Access
from contract.errors import NotFound
from contract.verified import VERSION, is_verified
from feedback.records import CandidateRecord, CompletionRecord, FeedbackRecord
from feedback.review_rows import leave, place
from feedback.tombstones import count_late, over

_COMPLETION = [f.name for f in fields(CompletionRecord) if f.name != "candidates"]
_CANDIDATE = [f.name for f in fields(CandidateRecord)]
_FEEDBACK = [f.name for f in fields(FeedbackRecord)]
_AS_JSON = (dict, list, tuple)
_COMPLETION_JSON = ("request", "prompt", "passages", "reply", "labels")

# A correction whose words were taken out says nothing any more.
SAYS_NOTHING = "erased IS NOT NULL AND type = 'correction'"


def no_completion(completion_id: str) -> NotFound:
    """The error for a turn that is not there, is deleted, or may not be seen."""
    return NotFound(f"There is no completion {completion_id!r} in the log.", param="id")


def admits(access: Access, labels: str) -> bool:
    """May this caller see a turn with these labels, as they are stored?"""
    return all(access.admits(group) for group in orjson.loads(labels))


def insert_completion(connection: sqlite3.Connection, record: CompletionRecord) -> None:
    """Add a turn with all its candidates; of one that falls under a tombstone, what counts it."""
    stone = over(connection, record)
    if stone is not None:
        record = _without_texts(record)
    _insert(connection, "completion", _COMPLETION, record)
    for candidate in record.candidates:
        _insert(connection, "candidate", _CANDIDATE, candidate)
    if is_verified(record.policy_version):
        connection.execute(
            "UPDATE verified_answer SET served = served + 1 WHERE id = ?",
            (record.policy_version.removeprefix(VERSION),),
        )
    if stone is not None:
        erase(connection, record.id, time.time(), stone[1])
        count_late(connection, stone[0])
    else:
        place(connection, record.id)


def insert_feedback(
    connection: sqlite3.Connection, record: FeedbackRecord
) -> tuple[FeedbackRecord, bool]:
    """Add feedback, unless its idempotency key was seen before.

    Returns:
        The record that stands in the log, and whether it is new.

    Raises:
        NotFound: the turn has been deleted.
    """
    query = "SELECT 1 FROM completion WHERE id = ? AND deleted IS NOT NULL"
    if connection.execute(query, (record.completion_id,)).fetchone():
        raise no_completion(record.completion_id)
    if record.idempotency_key is not None:
        row = connection.execute(
            "SELECT * FROM feedback WHERE idempotency_key = ?", (record.idempotency_key,)
        ).fetchone()
        if row is not None:
            return feedback_of(row), False
    _insert(connection, "feedback", _FEEDBACK, record)
    place(connection, record.completion_id)
    return record, True


def insert_import(
    connection: sqlite3.Connection, record: CompletionRecord, said: FeedbackRecord
) -> bool:
    """Add an imported turn and what was said about it, as far as they are not there yet. Nothing comes
    back that was deleted.

    Returns:
        Whether anything was new.
    """
    query = "SELECT deleted FROM completion WHERE id = ?"
    if connection.execute(query, (record.id,)).fetchone() is None:
        insert_completion(connection, record)
    (deleted,) = connection.execute(query, (record.id,)).fetchone()
    known = connection.execute("SELECT 1 FROM feedback WHERE id = ?", (said.id,)).fetchone()
    if deleted is not None or known is not None:
        return False
    _insert(connection, "feedback", _FEEDBACK, said)
    return True


def set_metadata(
    connection: sqlite3.Connection, completion_id: str, metadata: dict[str, str]
) -> None:
    """Replace the metadata of a turn.

    Raises:
        NotFound: there is no such turn, or it has been deleted.
    """
    done = connection.execute(
        "UPDATE completion SET metadata = ? WHERE id = ? AND deleted IS NULL",
        (_stored(metadata), completion_id),
    )
    if not done.rowcount:
        raise no_completion(completion_id)


def erase(connection: sqlite3.Connection, completion_id: str, when: float, by: str) -> None:
    """Take everything that anybody said out of a turn, and leave the row that it can be counted by.

    Raises:
        NotFound: there is no such turn, or it has been deleted.
    """
    done = connection.execute(
        "UPDATE completion SET person = '', question = '', request = '{}', prompt = '[]', "
        "passages = '[]', reply = '{}', metadata = NULL, made_by = '', deleted = ?, deleted_by = ? "
        "WHERE id = ? AND deleted IS NULL",
        (when, by, completion_id),
    )
    if not done.rowcount:
        raise no_completion(completion_id)
    leave(connection, completion_id)
    connection.execute(
        "UPDATE candidate SET text = '', judgement = '{}', tool_calls = '[]', reasoning = '' "
        "WHERE completion_id = ?",
        (completion_id,),
    )
    connection.execute(
        "UPDATE feedback SET body = '{}', rater = NULL, idempotency_key = NULL "
        "WHERE completion_id = ?",
        (completion_id,),
    )
    erase_verified(connection, "completion_id", completion_id, "its turn was deleted")


def erase_verified(connection: sqlite3.Connection, column: str, value: str, reason: str) -> int:
    """Take the texts out of verified answers, which are served no more, and their questions out of the
    replies that name them. Returns of how many."""
    rows = connection.execute(
        f"SELECT id FROM verified_answer WHERE {column} = ? AND asked != ''", (value,)
    ).fetchall()
    for (identifier,) in rows:
        connection.execute(
            "UPDATE verified_answer SET state = 'withdrawn', reason = ?, question = '', asked = '', "
            "forms = '[]', answer = '', instructions = '', passages = '[]', sources = '[]', "
            "made_by = '', withheld_reason = '' WHERE id = ?",
            (reason, identifier),
        )
        connection.execute(
            "UPDATE completion SET reply = json_set(reply, '$.plumbline.verified_answer.question', '') "
            "WHERE policy_version = ? AND deleted IS NULL",
            (VERSION + identifier,),
        )
    return len(rows)


def completion_of(connection: sqlite3.Connection, row: sqlite3.Row) -> CompletionRecord:
    """A turn with its candidates; metadata that nobody changed are those of the reply."""
    values = {name: row[name] for name in _COMPLETION}
    for name in _COMPLETION_JSON:
        values[name] = orjson.loads(values[name])
    if values["metadata"] is None:
        values["metadata"] = values["reply"].get("metadata")
    else:
        values["metadata"] = orjson.loads(values["metadata"])
    candidates = connection.execute(
        "SELECT * FROM candidate WHERE completion_id = ? ORDER BY choice, attempt, ordinal",
        (values["id"],),
    )
    return CompletionRecord(
        **{**values, "answered": bool(values["answered"]), "review": bool(values["review"])},
        candidates=tuple(_candidate(dict(candidate)) for candidate in candidates),
    )


def feedback_of(row: sqlite3.Row) -> FeedbackRecord:
    """One piece of feedback."""
    values = {name: row[name] for name in _FEEDBACK}
    return FeedbackRecord(**{**values, "body": orjson.loads(values["body"])})


def _without_texts(record: CompletionRecord) -> CompletionRecord:
    """A turn whose texts are not to reach the disk even for a moment."""
    bare = (
        replace(c, text="", judgement={}, tool_calls=[], reasoning="") for c in record.candidates
    )
    return replace(
        record,
        person="",
        question="",
        request={},
        prompt=[],
        passages=[],
        reply={},
        metadata=None,
        made_by="",
        candidates=tuple(bare),
    )


def _candidate(values: dict[str, Any]) -> CandidateRecord:
    parsed = {name: orjson.loads(values[name]) for name in ("judgement", "tool_calls")}
    return CandidateRecord(**{**values, **parsed, "served": bool(values["served"])})


def _insert(connection: sqlite3.Connection, table: str, columns: list[str], record: Any) -> None:
    values = [_stored(getattr(record, name)) for name in columns]
    marks = ", ".join("?" * len(columns))
    connection.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", values)


def _stored(value: Any) -> Any:
    if isinstance(value, _AS_JSON):
        return orjson.dumps(value).decode()
    return int(value) if isinstance(value, bool) else value
