"""Forgetting in the log: whose turns, which turns saw a document, and taking their texts out.

Those that write do so in short transactions, so that a server that writes the same log waits for none.
"""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from feedback.forget_verified import answered_by, verified_cells, verified_in_words_of
from feedback.rows import erase, erase_verified
from feedback.tombstones import Tombstone, put_up

_BATCH = 200
# What is left of feedback when its author is forgotten: what it rates and how, in no words.
_BARE = (
    "id",
    "type",
    "candidate_id",
    "value",
    "preferred_id",
    "rejected_id",
    "tied_ids",
    "ranking",
    "propositions",
    "class",
    "supersedes",
)
_TURN_TEXTS = ("person", "question", "request", "prompt", "passages", "reply", "metadata")
_CANDIDATE_TEXTS = ("text", "judgement", "tool_calls", "reasoning")

_IS_ASKED = "IN (SELECT value FROM json_each(?))"
_OF_PERSON = (
    "(person = :id OR made_by = :id OR json_extract(request, '$.user') = :id "
    "OR json_extract(request, '$.safety_identifier') = :id)"
)


@dataclass(frozen=True, slots=True)
class Found:
    """What is to be erased: turns with all that hangs on them, and feedback and verified answers on turns
    that stay."""

    turns: list[str] = field(default_factory=list)
    feedback: list[str] = field(default_factory=list)
    verified: list[str] = field(default_factory=list)

    def __add__(self, other: Found) -> Found:
        return Found(
            list(dict.fromkeys([*self.turns, *other.turns])),
            list(dict.fromkeys([*self.feedback, *other.feedback])),
            list(dict.fromkeys([*self.verified, *other.verified])),
        )


def of_person(connection: sqlite3.Connection, person: str) -> Found:
    """The turns of a person, by whatever names them, and the feedback that they gave on others'."""
    turns = connection.execute(
        f"SELECT id FROM completion WHERE deleted IS NULL AND {_OF_PERSON} ORDER BY id",
        {"id": person},
    )
    given = connection.execute(
        "SELECT id FROM feedback WHERE (rater = :id OR json_extract(body, '$.rater') = :id) "
        "AND completion_id NOT IN (SELECT id FROM completion WHERE deleted IS NOT NULL OR "
        f"{_OF_PERSON}) ORDER BY id",
        {"id": person},
    )
    verified = verified_in_words_of(connection, person)
    going = Found([i for (i,) in turns.fetchall()], [i for (i,) in given.fetchall()])
    going += Found(answered_by(connection, verified))
    staying = [i for i, turn in verified.items() if turn not in set(going.turns)]
    return going + Found([], [], staying)


def made_for_others(connection: sqlite3.Connection, person: str) -> int:
    """How many turns the key of this name made for somebody else."""
    (count,) = connection.execute(
        "SELECT count(*) FROM completion WHERE deleted IS NULL AND made_by = ? AND person != ?",
        (person, person),
    ).fetchone()
    return int(count)


def naming(connection: sqlite3.Connection, person: str) -> list[str]:
    """Turns of others in which the id stands as a value of its own, in metadata or tool arguments."""
    value = orjson.dumps(person).decode()
    rows = connection.execute(
        "SELECT id FROM completion WHERE deleted IS NULL AND (instr(request, :v) OR "
        "instr(coalesce(metadata, ''), :v) OR instr(reply, :v)) ORDER BY id",
        {"v": value},
    )
    return [i for (i,) in rows]


def shown(connection: sqlite3.Connection, documents: Iterable[str]) -> Found:
    """The turns that were shown one of these documents, by their ids."""
    rows = connection.execute(
        "SELECT id FROM completion WHERE deleted IS NULL AND EXISTS (SELECT 1 FROM "
        f"json_each(passages) WHERE json_extract(value, '$.document_id') {_IS_ASKED}) ORDER BY id",
        (orjson.dumps(sorted(documents)).decode(),),
    )
    return Found([i for (i,) in rows.fetchall()])


def saying(connection: sqlite3.Connection, says: Callable[[bytes], bool]) -> Found:
    """The turns, and feedback on turns that stay, in whose texts `says` finds something."""
    rows = connection.execute("SELECT id FROM completion WHERE deleted IS NULL ORDER BY id")
    turns = [i for (i,) in rows.fetchall() if says("\0".join(_cells(connection, i)).encode())]
    going = set(turns)
    given = connection.execute("SELECT id, completion_id, body FROM feedback ORDER BY id")
    feedback = [i for i, turn, body in given if turn not in going and says(body.encode())]
    made = connection.execute("SELECT id, completion_id FROM verified_answer WHERE asked != ''")
    verified = [
        i
        for i, turn in made.fetchall()
        if turn not in going and says("\0".join(verified_cells(connection, "id", i)).encode())
    ]
    return Found(turns, feedback, verified)


def collections(connection: sqlite3.Connection) -> set[str]:
    """Every collection that a turn was asked in."""
    return {name for (name,) in connection.execute("SELECT DISTINCT collection FROM completion")}


def texts(connection: sqlite3.Connection, found: Found) -> Iterator[list[str]]:
    """What is about to be erased, turn by turn: every piece of text by itself."""
    for turn in found.turns:
        said: list[str] = []
        for cell in [
            *_cells(connection, turn),
            *verified_cells(connection, "completion_id", turn),
        ]:
            said += _strings(_parsed(cell))
        for (body,) in connection.execute(
            "SELECT body FROM feedback WHERE completion_id = ?", (turn,)
        ):
            said += _strings(orjson.loads(body))
        yield said
    for identifier in found.feedback:
        row = connection.execute("SELECT body FROM feedback WHERE id = ?", (identifier,)).fetchone()
        body = orjson.loads(row[0])
        yield _strings({name: body[name] for name in body if name not in _BARE})
    for identifier in found.verified:
        cells = verified_cells(connection, "id", identifier)
        yield [text for cell in cells for text in _strings(_parsed(cell))]


def count(connection: sqlite3.Connection, found: Found) -> Counter[str]:
    """How much is to be erased."""
    turns = orjson.dumps(found.turns).decode()
    counts = Counter(turns=len(found.turns), feedback_given=len(found.feedback))
    for table, name in (("candidate", "candidates"), ("feedback", "feedback")):
        (counts[name],) = connection.execute(
            f"SELECT count(*) FROM {table} WHERE completion_id {_IS_ASKED}", (turns,)
        ).fetchone()
    (counts["verified"],) = connection.execute(
        "SELECT count(*) FROM verified_answer WHERE asked != '' AND "
        f"(completion_id {_IS_ASKED} OR id {_IS_ASKED})",
        (turns, orjson.dumps(found.verified).decode()),
    ).fetchone()
    return counts


def erase_found(connection: sqlite3.Connection, found: Found, by: str) -> Counter[str]:
    """Erase, in short transactions; where this is killed, it can be done again. Returns how much."""
    counts: Counter[str] = Counter()
    for start in range(0, len(found.turns), _BATCH):
        with _transaction(connection):
            counts += _erase(connection, Found(found.turns[start : start + _BATCH]), by)
    with _transaction(connection):
        return counts + _erase(connection, Found([], found.feedback, found.verified), by)


def seal(
    connection: sqlite3.Connection,
    find: Callable[[], Found],
    stone: Tombstone,
    values: Collection[str],
) -> Tombstone:
    """Put up a tombstone over these ids, and erase in the same transaction what has landed since: every
    turn is on one side of it. Returns it with all that was erased."""
    with _transaction(connection):
        counts = Counter(stone.counts) + _erase(connection, find(), stone.made_by)
        stone = replace(stone, created=time.time(), counts=dict(counts))
        put_up(connection, stone, values)
    return stone


def unname(connection: sqlite3.Connection, person: str) -> None:
    """Take a person's name off what they deleted or forgot themselves."""
    with _transaction(connection):
        connection.execute("UPDATE completion SET deleted_by = '' WHERE deleted_by = ?", (person,))
        connection.execute("UPDATE tombstone SET made_by = '' WHERE made_by = ?", (person,))
        connection.execute(
            "UPDATE verified_answer SET made_by = '' WHERE made_by = ? AND NOT own_words", (person,)
        )
        connection.execute(
            "UPDATE verified_answer SET reason = 'withdrawn' WHERE reason = ?",
            (f"withdrawn by {person}",),
        )


def _erase(connection: sqlite3.Connection, found: Found, by: str) -> Counter[str]:
    when = time.time()
    here = "SELECT id FROM completion WHERE deleted IS NULL AND id " + _IS_ASKED
    turns = [i for (i,) in connection.execute(here, (orjson.dumps(found.turns).decode(),))]
    counts = count(connection, Found(turns, [], found.verified))
    for turn in turns:
        erase(connection, turn, when, by)
    for identifier in found.verified:
        erase_verified(connection, "id", identifier, "its words were forgotten")
    counts["feedback_given"] = sum(_lay_bare(connection, i, when) for i in found.feedback)
    return counts


def _lay_bare(connection: sqlite3.Connection, feedback: str, when: float) -> bool:
    """Take name and words from feedback; what rates in no words stays. False where its turn is erased, and
    it with that."""
    row = connection.execute(
        "SELECT f.body FROM feedback f LEFT JOIN completion c ON c.id = f.completion_id "
        "WHERE f.id = ? AND c.deleted IS NULL",
        (feedback,),
    ).fetchone()
    if row is None:
        return False
    body = orjson.loads(row[0])
    bare = {name: body[name] for name in _BARE if name in body}
    connection.execute(
        "UPDATE feedback SET body = ?, rater = NULL, idempotency_key = NULL, erased = ? WHERE id = ?",
        (orjson.dumps(bare).decode(), when, feedback),
    )
    return True


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _cells(connection: sqlite3.Connection, turn: str) -> list[str]:
    columns = ", ".join(_TURN_TEXTS)
    row = connection.execute(f"SELECT {columns} FROM completion WHERE id = ?", (turn,)).fetchone()
    cells = [cell for cell in row if cell]
    columns = ", ".join(_CANDIDATE_TEXTS)
    for row in connection.execute(
        f"SELECT {columns} FROM candidate WHERE completion_id = ?", (turn,)
    ):
        cells += row
    return cells


def _parsed(cell: str) -> Any:
    if not cell.startswith(("{", "[")):
        return cell
    try:
        return orjson.loads(cell)
    except orjson.JSONDecodeError:
        return cell


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value] if value else []
    inner = value.values() if isinstance(value, dict) else value
    return [s for v in inner for s in _strings(v)] if isinstance(value, dict | list) else []
