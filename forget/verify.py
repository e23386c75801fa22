"""Is what was forgotten still gone? Tombstones are held against the log and the index as they are now."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.settings import Settings
from contract.wal import cut_off, within
from feedback.log import Log
from feedback.tombstones import Tombstone, subject, tombstones
from retrieval.forgotten import Forgotten
from retrieval.withdraw import indexed_documents, wipe

_PEOPLE = (
    "SELECT person, min(created) FROM completion WHERE deleted IS NULL GROUP BY 1 UNION ALL "
    "SELECT made_by, min(created) FROM completion WHERE deleted IS NULL GROUP BY 1 UNION ALL "
    "SELECT rater, min(created) FROM feedback WHERE rater IS NOT NULL GROUP BY 1 UNION ALL "
    "SELECT made_by, min(created) FROM verified_answer GROUP BY 1"
)
_DOCUMENTS = (
    "SELECT json_extract(p.value, '$.document_id'), min(c.created) "
    "FROM completion c, json_each(c.passages) p WHERE c.deleted IS NULL GROUP BY 1 UNION ALL "
    "SELECT json_extract(s.value, '$.document_id'), min(v.created) "
    "FROM verified_answer v, json_each(v.sources) s GROUP BY 1"
)


@dataclass(frozen=True, slots=True)
class Verified:
    """Tombstones, what stands against them, and databases that somebody holds in an older state."""

    tombstones: list[Tombstone]
    problems: list[str]
    held: list[Path]

    @property
    def complete(self) -> bool:
        """Is everything gone?"""
        return not self.problems and not self.held

    def to_wire(self) -> dict[str, Any]:
        """The output of `forget --verify --json`."""
        return {
            "tombstones": [
                {
                    "id": stone.id,
                    "kind": stone.kind,
                    "created": stone.created,
                    "by": stone.made_by,
                    "counts": stone.counts,
                    "lifted": stone.lifted,
                }
                for stone in self.tombstones
            ],
            "problems": self.problems,
            "held": [str(path) for path in self.held],
            "complete": self.complete,
        }


def verify(settings: Settings, log: Log, wait_seconds: float) -> Verified:
    """Look for what was forgotten, and wipe what a reader has let go of since."""
    with log.writing() as connection:
        problems = _problems(connection)
        held = [] if within(wait_seconds, lambda: cut_off(connection)) else [settings.log_file]
        stones = tombstones(connection)
    known = Forgotten(settings.index)
    problems += [
        f"The index holds {document.id}, which was forgotten."
        for document in indexed_documents(settings.index)
        if known.holds_place(document.location)
    ]
    if any(stone.kind == "document" for stone in stones):
        held += wipe(settings.index, wait_seconds)
    return Verified(stones, problems, held)


def _problems(connection: sqlite3.Connection) -> list[str]:
    found = []
    for kind, query in (("user", _PEOPLE), ("document", _DOCUMENTS)):
        for value, earliest in connection.execute(query).fetchall():
            hashed = subject(connection, kind, value or "")  # type: ignore[arg-type]
            rows = connection.execute(
                "SELECT t.id FROM tombstone t JOIN tombstone_subject s ON s.tombstone = t.id "
                "WHERE s.subject = ? AND t.created >= ?",
                (hashed, earliest),
            )
            found += [
                f"The log holds something older than {stone}, which forgot it." for (stone,) in rows
            ]
    return found
