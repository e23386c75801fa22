"""Forgetting a person: their turns, and their words and name in feedback on the turns of others."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

from contract.chat import NOBODY
from contract.errors import ConfigurationError, NotFound
from contract.ids import uuid7
from contract.settings import Settings
from contract.wal import cut_off, within
from feedback.forget import (
    Found,
    count,
    erase_found,
    made_for_others,
    naming,
    of_person,
    seal,
    texts,
    unname,
)
from feedback.forget_verified import has_made_verified
from feedback.log import Log
from feedback.tombstones import Tombstone
from forget.outcome import Outcome
from forget.traces import spread, stretches
from server.forget_upload import forget_owner
from server.uploads import Uploads

# Stretches that are searched for: of all erased texts together, of one turn at least, of one text at most.
MOST_STRETCHES = 20_000
_OF_ONE_TURN = 8
_OF_ONE_TEXT = 3
_SHOWN_TURNS = 10


def survey_person(connection: sqlite3.Connection, person: str) -> tuple[Found, Outcome]:
    """What there is of a person, as an outcome in which nothing has been done yet.

    Raises:
        ConfigurationError: the id stands for everybody who gave no name.
        NotFound: the log knows nothing of them.
    """
    if person in ("", NOBODY):
        raise ConfigurationError(
            f"{person!r} is no person: it stands for everybody who gave no name. Delete single turns "
            "with DELETE /v1/chat/completions/{id}."
        )
    found = of_person(connection, person)
    if not found.turns and not found.feedback and not has_made_verified(connection, person):
        raise NotFound(
            f"The log holds no turn and no feedback of {person!r}. A person is the request's "
            "safety_identifier or user, or the name of the key; `plumbline feedback` shows turns."
        )
    counts = count(connection, found)
    notes = _notes(connection, person, found)
    return found, Outcome("user", None, +counts, notes, found=found)


def forget_person(
    settings: Settings, log: Log, person: str, *, by: str, wait_seconds: float
) -> Outcome:
    """Erase what there is of a person up to now; turns that they begin later are new ones."""
    with log.writing() as connection:
        found, outcome = survey_person(connection, person)
        searched = sample(connection, found, MOST_STRETCHES) | set(stretches(person, 1))
        # The last turn goes with the tombstone: a run that is killed before can be done again.
        counts = erase_found(connection, Found(found.turns[:-1]), by)
        unname(connection, person)
        forget_owner(Uploads(settings.documents), person)
        stone = seal(
            connection,
            lambda: of_person(connection, person),
            Tombstone(f"forget-{uuid7()}", "user", 0.0, "" if by == person else by, counts),
            [person],
        )
        cut = within(wait_seconds, lambda: cut_off(connection))
        return replace(
            outcome,
            tombstone=stone.id,
            counts=stone.counts,
            stretches=searched,
            held=[] if cut else [settings.log_file],
        )


def sample(connection: sqlite3.Connection, found: Found, most: int) -> set[bytes]:
    """Stretches of the texts that are about to be erased."""
    share = max(
        _OF_ONE_TURN, most // max(1, len(found.turns) + len(found.feedback) + len(found.verified))
    )
    searched: set[bytes] = set()
    for said in texts(connection, found):
        pieces = [s for text in said for s in stretches(text, _OF_ONE_TEXT)]
        searched.update(spread(pieces, share))
    return searched


def _notes(connection: sqlite3.Connection, person: str, found: Found) -> list[str]:
    notes = []
    others = made_for_others(connection, person)
    if others:
        notes.append(
            f"{others} of the turns were made with the key {person!r} for people of other ids."
        )
    mine = set(found.turns)
    named = [turn for turn in naming(connection, person) if turn not in mine]
    if named:
        shown = ", ".join(named[:_SHOWN_TURNS]) + (" …" if len(named) > _SHOWN_TURNS else "")
        notes.append(f"{len(named)} turns of others hold the id as a value, and stay: {shown}.")
    return notes
