"""The verified answers in force, by what they answer, as the log has them now.

Every request asks the log for the number of changes so far, which is one row of a connection that stays open;
only where it has grown is what changed read again, whichever process changed it.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from contract.access import Access
from feedback.log import Log
from feedback.verified import Heading, changed_since, latest_revision
from text.questions.likeness import RULES, Asked, asked_as

# Where a question is asked: collection, language, and the system messages beside it.
Place = tuple[str, str, str]
_Key = tuple[Place, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """One of them; who may have the answer is admitted to each group of `labels`."""

    id: str
    place: Place
    question: str
    asked: Asked
    labels: tuple[tuple[str, ...], ...]

    def admits(self, access: Access) -> bool:
        """May this caller have the answer?"""
        return all(access.admits(group) for group in self.labels)

    @property
    def keys(self) -> Iterator[_Key]:
        """What it is found by."""
        yield self.place, f"={self.asked.normal}"
        for form in self.asked.forms:
            yield self.place, f"~{form}"


class Book:
    """Finds the verified answer to a question. To be used on one event loop.

    Args:
        log: where they stand.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._connection: sqlite3.Connection | None = None
        self._seen = 0
        self._entries: dict[str, Entry] = {}
        self._found: dict[_Key, dict[str, Entry]] = {}
        self._reading = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    async def follow(self) -> int:
        """Read what changed since the last time. Returns how many are in force.

        Raises:
            sqlite3.Error: the log can't be read.
        """
        if self._latest() == self._seen:
            return len(self._entries)
        async with self._reading:
            changed = await asyncio.to_thread(self._changed)
            for heading, entry in changed:
                self._take_out(heading.id)
                if entry is not None:
                    self._put_in(entry)
                self._seen = max(self._seen, heading.revision)
        return len(self._entries)

    def find(self, asked: Asked, place: Place, access: Access | None) -> tuple[Entry, bool] | None:
        """The one that answers a question, and whether it is written alike; None where there is none that
        this caller may have, or several that are as near. Without `access` whoever may have it."""
        for exact, keys in (
            (True, [f"={asked.normal}"]),
            (False, [f"~{form}" for form in asked.forms]),
        ):
            near = {
                entry.id: entry
                for key in keys
                for entry in self._found.get((place, key), {}).values()
                if access is None or entry.admits(access)
            }
            if near and (len(near) == 1 or access is None):
                return next(iter(near.values())), exact
        return None

    def close(self) -> None:
        """Let go of the log."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _latest(self) -> int:
        if self._connection is None:
            self._connection = self._log.open_reader()
        return latest_revision(self._connection)

    def _changed(self) -> list[tuple[Heading, Entry | None]]:
        with self._log.reading() as connection:
            headings = changed_since(connection, self._seen)
        return [(h, _entry(h) if h.state == "in_force" else None) for h in headings]

    def _put_in(self, entry: Entry) -> None:
        self._entries[entry.id] = entry
        for key in entry.keys:
            self._found.setdefault(key, {})[entry.id] = entry

    def _take_out(self, identifier: str) -> None:
        entry = self._entries.pop(identifier, None)
        for key in entry.keys if entry is not None else ():
            there = self._found.get(key, {})
            there.pop(identifier, None)
            if not there:
                self._found.pop(key, None)


def _entry(heading: Heading) -> Entry:
    if heading.rules == RULES:
        asked = Asked(heading.asked, frozenset(orjson.loads(heading.forms)))
    else:
        asked = asked_as(heading.question, heading.language)
    labels = tuple(tuple(group) for group in orjson.loads(heading.labels))
    place = (heading.collection, heading.language, heading.instructions)
    return Entry(heading.id, place, heading.question, asked, labels)
