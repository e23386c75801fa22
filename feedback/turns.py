"""Logged turns as an export reads them: the tables side by side, once, in the order of their ids.

Texts stay as they are stored until somebody needs them: most turns of a log have nothing to export.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Generic, NamedTuple, TypeVar

import orjson

from contract.verified import is_verified
from feedback.options import Selection
from feedback.records import FeedbackRecord
from feedback.rows import SAYS_NOTHING

_TURN = (
    "id, person, question, language, request, prompt, passages, reply, decision, "
    "policy_version, judge_version, rubric_version, index_version, settings_version"
)
_CANDIDATE = (
    "completion_id, id, choice, text, served, reward, completion_class, judgement, tool_calls"
)
_FEEDBACK = "completion_id, id, created, type, rater, idempotency_key, supersedes, body"
PROVENANCE = (
    "policy_version",
    "judge_version",
    "rubric_version",
    "index_version",
    "settings_version",
)


Made = TypeVar("Made")


class LoggedCandidate(NamedTuple):
    """A candidate; `judgement` and `tool_calls` are JSON."""

    completion_id: str
    id: str
    choice: int
    text: str
    served: int
    reward: float | None
    completion_class: str | None
    judgement: str
    tool_calls: str


class LoggedTurn(NamedTuple):
    """A turn with its candidates and the feedback in force; `request`, `prompt`, `passages` and `reply`
    are JSON."""

    id: str
    person: str
    question: str
    language: str
    request: str
    prompt: str
    passages: str
    reply: str
    decision: str
    policy_version: str
    judge_version: str
    rubric_version: str
    index_version: str
    settings_version: str
    candidates: Sequence[LoggedCandidate] = ()
    feedback: Sequence[FeedbackRecord] = ()

    @property
    def asked(self) -> list[str]:
        """What the person wrote in this conversation, without passages and instructions."""
        messages = orjson.loads(self.request).get("messages", [])
        return [text for m in messages if m.get("role") == "user" and (text := _text_of(m))]

    @property
    def previous(self) -> str:
        """What the assistant had said before the question, or an empty string; the judge reads it."""
        if '"assistant"' not in self.request:
            return ""
        messages = orjson.loads(self.request).get("messages", [])
        users = [place for place, m in enumerate(messages) if m.get("role") == "user"]
        before = messages[: users[-1]] if users else []
        return next((_text_of(m) for m in reversed(before) if m.get("role") == "assistant"), "")

    @property
    def response_type(self) -> str | None:
        """The response type that the caller named, if any."""
        if '"response_type"' not in self.request:
            return None
        found = (orjson.loads(self.request).get("plumbline") or {}).get("response_type")
        return None if found is None else str(found)

    @property
    def answered_by(self) -> str | None:
        """The version of the policy that answered; None where a verified answer did, which a person wrote."""
        return None if is_verified(self.policy_version) else self.policy_version

    @property
    def documents_hold_answer(self) -> bool | None:
        """What the judge was told of that; None where none of its answers depended on it."""
        key = "documents_hold_answer"
        told = (orjson.loads(c.judgement) for c in self.candidates if key in c.judgement)
        return next((bool(judgement[key]) for judgement in told), None)

    @property
    def replied(self) -> str:
        """What went out in the first choice."""
        choices = orjson.loads(self.reply).get("choices") or [{}]
        return str((choices[0].get("message") or {}).get("content") or "")

    @property
    def few_shot_set(self) -> str | None:
        """What an imported example belongs to: few-shot examples of one instruction show each other."""
        if not self.id.startswith("import-"):
            return None
        found = (orjson.loads(self.reply).get("metadata") or {}).get("few_shot_set")
        return None if found is None else str(found)

    @property
    def passage_texts(self) -> list[str]:
        """The passages that were shown to the policy."""
        return [passage["text"] for passage in orjson.loads(self.passages)]

    @property
    def provenance(self) -> list[str]:
        """What made it: values for the names in PROVENANCE."""
        return [
            self.policy_version,
            self.judge_version,
            self.rubric_version,
            self.index_version,
            self.settings_version,
        ]


def count_turns(connection: sqlite3.Connection, selection: Selection) -> int:
    """How many turns are selected; without a selection this reads an index only."""
    if selection == Selection():
        (all_of_them,) = connection.execute("SELECT count(*) FROM completion").fetchone()
        return int(all_of_them) - count_deleted(connection)
    where, values = condition(selection)
    (count,) = connection.execute(
        f"SELECT count(*) FROM completion WHERE {where}", values
    ).fetchone()
    return int(count)


def count_deleted(connection: sqlite3.Connection) -> int:
    """How many turns have been deleted; there is an index of them."""
    query = "SELECT count(*) FROM completion WHERE deleted IS NOT NULL"
    (count,) = connection.execute(query).fetchone()
    return int(count)


def read_turns(
    connection: sqlite3.Connection, selection: Selection, *, with_passages: bool = True
) -> Iterator[LoggedTurn]:
    """The selected turns in the order of their ids, which is that of their time.

    The three tables are each read once from front to back, so memory does not grow with the log.

    Args:
        with_passages: read the passages too; a prompt has them already.
    """
    columns = _TURN if with_passages else _TURN.replace(" passages,", " '[]',")
    where, values = condition(selection)
    candidates = _Beside(_candidates(connection), LoggedCandidate._make)
    feedback = _Beside(_feedback(connection), _record)
    plain = connection.cursor()
    plain.row_factory = None
    for row in plain.execute(f"SELECT {columns} FROM completion WHERE {where} ORDER BY id", values):
        yield LoggedTurn._make((*row, candidates.of(row[0]), feedback.of(row[0])))


def find_turn(connection: sqlite3.Connection, identifier: str) -> LoggedTurn | None:
    """The turn that an id belongs to, its own or that of one of its candidates; without the feedback."""
    plain = connection.cursor()
    plain.row_factory = None
    row = plain.execute(
        f"SELECT {_TURN} FROM completion WHERE deleted IS NULL AND id IN "
        "(?, (SELECT completion_id FROM candidate WHERE id = ?))",
        (identifier, identifier),
    ).fetchone()
    if row is None:
        return None
    found = plain.execute(
        f"SELECT {_CANDIDATE} FROM candidate WHERE completion_id = ? ORDER BY choice, attempt, ordinal",
        (row[0],),
    )
    return LoggedTurn._make((*row, [LoggedCandidate._make(own) for own in found], ()))


def _candidates(connection: sqlite3.Connection) -> Iterator[tuple[Any, ...]]:
    plain = connection.cursor()
    plain.row_factory = None
    return plain.execute(
        f"SELECT {_CANDIDATE} FROM candidate ORDER BY completion_id, choice, attempt, ordinal"
    )


def _feedback(connection: sqlite3.Connection) -> Iterator[tuple[Any, ...]]:
    plain = connection.cursor()
    plain.row_factory = None
    return plain.execute(
        f"SELECT {_FEEDBACK} FROM feedback WHERE id NOT IN "
        "(SELECT supersedes FROM feedback WHERE supersedes IS NOT NULL) "
        f"AND NOT ({SAYS_NOTHING}) ORDER BY completion_id, id"
    )


def _record(row: tuple[Any, ...]) -> FeedbackRecord:
    turn, identifier, created, kind, rater, key, supersedes, body = row
    return FeedbackRecord(
        identifier, created, turn, kind, rater, key, supersedes, orjson.loads(body)
    )


class _Beside(Generic[Made]):
    """Rows of another table, read along in the order of the turns whose ids they begin with."""

    def __init__(
        self, rows: Iterator[tuple[Any, ...]], make: Callable[[tuple[Any, ...]], Made]
    ) -> None:
        self._groups = groupby(rows, itemgetter(0))
        self._make = make
        self._next = next(self._groups, None)

    def of(self, turn: str) -> list[Made]:
        """The rows of a turn; those of turns before it that nobody asked for are passed over."""
        while self._next is not None and self._next[0] < turn:
            self._next = next(self._groups, None)
        if self._next is None or self._next[0] != turn:
            return []
        found = list(map(self._make, self._next[1]))
        self._next = next(self._groups, None)
        return found


def condition(selection: Selection) -> tuple[str, list[Any]]:
    """SQL that holds for the rows of selected turns, and the values in it."""
    conditions: list[str] = ["deleted IS NULL"]
    values: list[Any] = []
    if selection.since is not None:
        conditions.append("created >= ?")
        values.append(selection.since)
    if selection.until is not None:
        conditions.append("created < ?")
        values.append(selection.until)
    for column, wanted in (
        ("policy_version", selection.policies),
        ("collection", selection.collections),
        ("language", selection.languages),
    ):
        if wanted:
            conditions.append(f"{column} IN ({', '.join('?' * len(wanted))})")
            values += wanted
    for wanted, negated in ((selection.labels, ""), (selection.without_labels, "NOT ")):
        if wanted:
            marks = ", ".join("?" * len(wanted))
            # `labels` is a list of groups of labels.
            conditions.append(
                f"{negated}EXISTS (SELECT 1 FROM json_tree(labels) "
                f"WHERE json_tree.type = 'text' AND json_tree.value IN ({marks}))"
            )
            values += wanted
    return " AND ".join(conditions), values


def _text_of(message: dict[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(str(part.get("text") or "") for part in parts if isinstance(part, dict))
