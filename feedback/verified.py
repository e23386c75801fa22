"""Verified answers in the log: each function takes a connection, and none commits."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

import orjson

from contract.access import Access
from contract.errors import Conflict, NotFound
from contract.verified import State
from feedback.records import CompletionRecord
from feedback.rows import admits, no_completion

_JSON = ("forms", "passages", "sources", "labels")


@dataclass(frozen=True, slots=True)
class VerifiedRecord:
    """One verified answer.

    Attributes:
        instructions: the system messages that its turn was asked with.
        asked: the question in the form in which equal questions are equal.
        forms, rules: what it shares with questions that ask the same, and by which rules.
        answer: its marks number `passages`, which are those of a turn (`Passage.to_wire`).
        sources: the documents of these: document_id, path, title, content_hash.
        labels: groups of labels, as those of a turn.
        own_words: whether who made it wrote question or answer.
        withheld: how often the judge would not let it out, and why it did not the last time.
    """

    id: str
    created: float
    collection: str
    language: str
    instructions: str
    question: str
    asked: str
    forms: list[str]
    rules: int
    answer: str
    passages: list[dict[str, Any]]
    sources: list[dict[str, Any]]
    labels: list[list[str]]
    made_by: str
    own_words: bool
    completion_id: str
    feedback_id: str | None
    state: State = "in_force"
    reason: str = ""
    served: int = 0
    withheld: int = 0
    withheld_reason: str = ""
    revision: int = field(default=0, compare=False)

    def to_wire(self) -> dict[str, Any]:
        """As the API shows it."""
        shown = ("document_id", "path", "title")
        return {
            "object": "plumbline.verified_answer",
            "id": self.id,
            "question": self.question,
            "answer": self.answer,
            "collection": self.collection,
            "language": self.language,
            "sources": [{name: source[name] for name in shown} for source in self.sources],
            "passages": self.passages,
            "state": self.state,
            "reason": self.reason,
            "created_at": int(self.created),
            "made_by": self.made_by,
            "completion_id": self.completion_id,
            "feedback_id": self.feedback_id,
            "served": self.served,
            "withheld": self.withheld,
            "withheld_reason": self.withheld_reason,
        }


_COLUMNS = [f.name for f in fields(VerifiedRecord)]
# The revision is the trigger's.
_WRITTEN = [name for name in _COLUMNS if name != "revision"]


def insert_verified(connection: sqlite3.Connection, record: VerifiedRecord) -> None:
    """Add one that is in force.

    Raises:
        NotFound: its turn, or the correction, was deleted meanwhile.
        Conflict: another one answers the same question.
    """
    turn = "SELECT 1 FROM completion WHERE id = ? AND deleted IS NULL"
    if connection.execute(turn, (record.completion_id,)).fetchone() is None:
        raise no_completion(record.completion_id)
    if record.feedback_id is not None:
        said = "SELECT 1 FROM feedback WHERE id = ? AND erased IS NULL"
        if connection.execute(said, (record.feedback_id,)).fetchone() is None:
            raise NotFound(f"There is no feedback {record.feedback_id!r}.", param="feedback_id")
    other = connection.execute(
        "SELECT id FROM verified_answer WHERE state = 'in_force' AND asked = ? AND collection = ? "
        "AND instructions = ?",
        (record.asked, record.collection, record.instructions),
    ).fetchone()
    if other is not None:
        raise taken(other["id"])
    marks = ", ".join("?" * len(_WRITTEN))
    connection.execute(
        f"INSERT INTO verified_answer ({', '.join(_WRITTEN)}) VALUES ({marks})",
        [_stored(record, name) for name in _WRITTEN],
    )


def taken(identifier: str) -> Conflict:
    """The error for a question that has its verified answer."""
    return Conflict(
        f"The verified answer {identifier!r} answers this question already. Withdraw it first: "
        f"DELETE /v1/verified_answers/{identifier}.",
        param="question",
    )


def end_verified(
    connection: sqlite3.Connection, identifier: str, state: State, reason: str
) -> bool:
    """Take one out of force. False where it was not in force any more."""
    done = connection.execute(
        "UPDATE verified_answer SET state = ?, reason = ? WHERE id = ? AND state = 'in_force'",
        (state, reason, identifier),
    )
    return bool(done.rowcount)


def note_withheld(connection: sqlite3.Connection, identifier: str, reason: str) -> None:
    """The judge would not let one out."""
    connection.execute(
        "UPDATE verified_answer SET withheld = withheld + 1, withheld_reason = ? "
        "WHERE id = ? AND asked != ''",
        (reason, identifier),
    )


def find_verified(
    connection: sqlite3.Connection, identifier: str, access: Access
) -> VerifiedRecord:
    """One of them.

    Raises:
        NotFound: there is none, it was erased, or this caller may not see it.
    """
    row = connection.execute(
        "SELECT * FROM verified_answer WHERE id = ? AND asked != ''", (identifier,)
    ).fetchone()
    if row is None or not admits(access, row["labels"]):
        raise NotFound(f"There is no verified answer {identifier!r}.", param="id")
    return verified_of(row)


def list_verified(
    connection: sqlite3.Connection,
    access: Access,
    *,
    after: str = "",
    newest_first: bool = False,
    state: State | None = None,
    collection: str | None = None,
) -> Iterator[VerifiedRecord]:
    """Those that this caller may see, in the order of their time; erased ones have nothing to show."""
    query = (
        "SELECT * FROM verified_answer WHERE asked != '' AND (:state IS NULL OR state = :state) "
        "AND (:collection IS NULL OR collection = :collection)"
    )
    if after:
        query += f" AND id {'<' if newest_first else '>'} :after"
    query += f" ORDER BY id {'DESC' if newest_first else 'ASC'}"
    values = {"state": state, "collection": collection, "after": after}
    for row in connection.execute(query, values):
        if admits(access, row["labels"]):
            yield verified_of(row)


class Heading(NamedTuple):
    """What a server keeps of a verified answer to find it by."""

    id: str
    collection: str
    language: str
    instructions: str
    question: str
    asked: str
    forms: str
    rules: int
    labels: str
    state: State
    revision: int


def changed_since(connection: sqlite3.Connection, revision: int) -> list[Heading]:
    """All that were made or changed after a revision, whatever their state, in that order; `forms` and
    `labels` are JSON."""
    rows = connection.execute(
        f"SELECT {', '.join(Heading._fields)} FROM verified_answer WHERE revision > ? ORDER BY revision",
        (revision,),
    )
    return [Heading._make(row) for row in rows]


def latest_revision(connection: sqlite3.Connection) -> int:
    """The number of changes so far."""
    ((number,),) = connection.execute("SELECT number FROM verified_change").fetchall()
    return int(number)


def correction_of(connection: sqlite3.Connection, identifier: str) -> tuple[str, str] | None:
    """The turn of a correction, and its words; None where there is no such correction in force."""
    row = connection.execute(
        "SELECT completion_id, json_extract(body, '$.correction') AS words FROM feedback "
        "WHERE id = ? AND type = 'correction' AND erased IS NULL "
        "AND NOT EXISTS (SELECT 1 FROM feedback l WHERE l.supersedes = feedback.id)",
        (identifier,),
    ).fetchone()
    return None if row is None or row["words"] is None else (row["completion_id"], row["words"])


def verified_of(row: sqlite3.Row) -> VerifiedRecord:
    """One row."""
    values = {name: row[name] for name in _COLUMNS}
    for name in _JSON:
        values[name] = orjson.loads(values[name])
    return VerifiedRecord(**{**values, "own_words": bool(values["own_words"])})


def passages_of(turn: CompletionRecord) -> list[dict[str, Any]]:
    """The passages of a turn that name a document of an index."""
    return [passage for passage in turn.passages if passage.get("document_id")]


def _stored(record: VerifiedRecord, name: str) -> Any:
    value = getattr(record, name)
    if name in _JSON:
        return orjson.dumps(value).decode()
    return int(value) if isinstance(value, bool) else value
