"""Does feedback fit its turn? It may only name answers to the same conversation.

Asked when feedback comes in, as far as its turn is known by then, and again when it is read: feedback that
came before its turn could not be checked.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import orjson

from contract.access import OWNER, Access
from contract.errors import NotFound, RequestRejected
from contract.feedback import places_of
from feedback.records import FeedbackRecord
from feedback.rows import admits, no_completion

_OWNER_OF = (
    "SELECT id, labels, request FROM completion WHERE deleted IS NULL AND "
    "id = coalesce((SELECT completion_id FROM candidate WHERE id = ?), ?)"
)
_JUDGEMENTS = "SELECT judgement FROM candidate WHERE completion_id = ?"


def landed(connection: sqlite3.Connection, completion_id: str) -> bool:
    """Is this turn in the log? One that was deleted is."""
    query = "SELECT 1 FROM completion WHERE id = ?"
    return connection.execute(query, (completion_id,)).fetchone() is not None


def check_fit(
    connection: sqlite3.Connection,
    completion_id: str,
    body: Mapping[str, Any],
    access: Access = OWNER,
) -> None:
    """Check the answers that feedback names.

    Raises:
        NotFound: the turn is not there, or this caller may not see it.
        RequestRejected: one of the answers is unknown, or answers another conversation.
    """
    turn = _owner_of(connection, completion_id, access)
    if turn is None or turn["id"] != completion_id:
        raise no_completion(completion_id)
    for param, identifier in named_in(body):
        owner = _owner_of(connection, identifier, access)
        if owner is None:
            raise RequestRejected(
                f"There is no candidate or completion {identifier!r}. Candidate ids are in the reply "
                "when the request says plumbline.show_candidates.",
                param=param,
            )
        if owner["id"] == completion_id:
            continue
        if param == "candidate_id":
            raise RequestRejected(
                f"The candidate {identifier!r} belongs to {owner['id']!r}, not to {completion_id!r}.",
                param=param,
            )
        if _messages(owner) != _messages(turn):
            raise RequestRejected(
                f"{identifier!r} answers another conversation than {completion_id!r}; only answers to "
                "the same one can be compared.",
                param=param,
            )


def check_propositions(
    connection: sqlite3.Connection,
    completion_id: str,
    named: Collection[str],
    known: Collection[str],
) -> None:
    """Check the propositions that a ruling names: those of the rubric in service are `known`, and so is what
    the judge was asked when the turn was made.

    Raises:
        RequestRejected: one of them is neither.
    """
    unknown = [name for name in named if name not in known]
    if unknown:
        spoken_of = {
            name
            for (judgement,) in connection.execute(_JUDGEMENTS, (completion_id,))
            for part in ("propositions", "unjudged")
            for name in orjson.loads(judgement).get(part) or ()
        }
        unknown = [name for name in unknown if name not in spoken_of]
    if unknown:
        raise RequestRejected(
            f"There is no proposition {unknown[0]!r}, neither in the rubric in service nor in the verdicts "
            f"of this turn. The rubric has {', '.join(sorted(known))}.",
            param="propositions",
        )


def misfit(connection: sqlite3.Connection, row: FeedbackRecord) -> str | None:
    """Why feedback on a turn that has landed says nothing about it; None where it fits."""
    if not any(named_in(row.body)):
        return None
    try:
        check_fit(connection, row.completion_id, row.body)
    except (RequestRejected, NotFound) as error:
        return error.message
    return None


def named_in(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The ids that feedback names beside its turn, each with the name of its field."""
    for param in ("candidate_id", "preferred_id", "rejected_id"):
        if body.get(param) is not None:
            yield param, body[param]
    yield from (("tied_ids", identifier) for identifier in body.get("tied_ids") or ())
    for place in places_of(body.get("ranking") or ()):
        yield from (("ranking", identifier) for identifier in place)


def _owner_of(
    connection: sqlite3.Connection, identifier: str, access: Access
) -> sqlite3.Row | None:
    """The turn that an id belongs to, its own or a candidate's, as far as this caller may know of it."""
    row: sqlite3.Row | None = connection.execute(_OWNER_OF, (identifier, identifier)).fetchone()
    return row if row is not None and admits(access, row["labels"]) else None


def _messages(row: sqlite3.Row) -> Any:
    return orjson.loads(row["request"]).get("messages")
