"""The log: a SQLite file in WAL mode, written by one thread.

A write is acknowledged when the transaction that holds it is committed, so what was acknowledged
survives `kill -9` (and with `synchronous=FULL` a power loss). Rows are only ever added, with two exceptions:
the metadata of a turn may be replaced, and what somebody said may be deleted or forgotten, which leaves
rows without texts.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeVar

from contract.access import OWNER, Access
from feedback.opening import check_writable, file_check, open_log
from feedback.records import CompletionRecord, FeedbackRecord
from feedback.rows import (
    SAYS_NOTHING,
    admits,
    completion_of,
    erase,
    feedback_of,
    insert_completion,
    insert_feedback,
    insert_import,
    no_completion,
    set_metadata,
)
from feedback.writer import Writer

_log = logging.getLogger(__name__)

Made = TypeVar("Made")

# Feedback on a deleted turn has nothing in it any more.
_NOT_DELETED = "completion_id NOT IN (SELECT id FROM completion WHERE deleted IS NOT NULL)"
# The metadata as they were changed, else as the request had them.
_METADATA = "coalesce(metadata, json_extract(reply, '$.metadata'), '{}')"
# A write waits so long while another process holds the lock.
_LOCK_SECONDS = 10.0


class Log:
    """The log file. Reading opens connections of its own and never waits for the writer."""

    def __init__(
        self,
        path: Path,
        *,
        synchronous: str = "FULL",
        acknowledge: str = "durable",
        lock_seconds: float = _LOCK_SECONDS,
    ) -> None:
        self._path = path
        self._waits = acknowledge == "durable"
        self._synchronous = synchronous
        self._lock_seconds = lock_seconds
        self._unwaited: set[asyncio.Future[None]] = set()
        connection = open_log(path, synchronous=synchronous, lock_seconds=lock_seconds)
        self._writer = Writer(connection, file_check(path))

    def check_writable(self) -> None:
        """Can the log be written, not only read?

        Raises:
            ConfigurationError: it can't.
        """
        check_writable(self._path, self._lock_seconds)

    async def check(self) -> None:
        """Does the log take rows? Costs nothing unless it did not take the last ones; then a write that
        changes nothing is tried.

        Raises:
            StorageFailed: it takes none yet.
        """
        await self._writer.check()

    async def write_completion(self, record: CompletionRecord) -> None:
        """Store a turn with all its candidates; with `acknowledge="queued"` soon, not now.

        Raises:
            StorageFailed: the row is not durable (a full or read-only disk).
        """
        writing = self._writer.submit(lambda connection: insert_completion(connection, record))
        if self._waits:
            await writing
            return
        task = asyncio.ensure_future(writing)
        self._unwaited.add(task)
        task.add_done_callback(self._written)

    async def write_feedback(self, record: FeedbackRecord) -> tuple[FeedbackRecord, bool]:
        """Store feedback; with an idempotency key that was seen before, nothing is stored.

        Returns:
            The record that stands in the log, and whether it is new.

        Raises:
            NotFound: its turn has been deleted.
        """
        stored: tuple[FeedbackRecord, bool] = await self._writer.submit(
            lambda connection: insert_feedback(connection, record)
        )
        return stored

    async def write_imports(
        self, examples: Sequence[tuple[CompletionRecord, FeedbackRecord]]
    ) -> list[bool]:
        """Store imported turns with what was said about them, all in one transaction.

        Returns:
            For each, whether anything of it was new.

        Raises:
            StorageFailed: none of them is durable.
        """

        def write(connection: sqlite3.Connection) -> list[bool]:
            return [insert_import(connection, record, said) for record, said in examples]

        stored: list[bool] = await self._writer.submit(write)
        return stored

    async def set_metadata(self, completion_id: str, metadata: Mapping[str, str]) -> None:
        """Replace the metadata of a turn.

        Raises:
            NotFound: the log holds no such turn.
        """
        await self._writer.submit(
            lambda connection: set_metadata(connection, completion_id, dict(metadata))
        )

    async def delete(self, completion_id: str, *, by: str = "") -> None:
        """Delete a turn for good: its texts, those of its candidates, and the feedback on it. A row
        without them stays, so that counts stay right; `by` is noted in it.

        Raises:
            NotFound: the log holds no such turn.
        """
        await self._writer.submit(
            lambda connection: erase(connection, completion_id, time.time(), by), erases=True
        )

    async def write(self, work: Callable[[sqlite3.Connection], Made]) -> Made:
        """Do some other write, in a transaction of the one writer.

        Raises:
            StorageFailed: it is not durable. What `work` itself raises is raised here too.
        """
        made: Made = await self._writer.submit(work)
        return made

    def completion(self, completion_id: str, *, access: Access = OWNER) -> CompletionRecord:
        """One turn with its candidates.

        Raises:
            NotFound: the log holds no such completion, or none that this caller may see.
        """
        with self.reading() as connection:
            row = connection.execute(
                "SELECT * FROM completion WHERE id = ? AND deleted IS NULL", (completion_id,)
            ).fetchone()
            if row is None or not admits(access, row["labels"]):
                raise no_completion(completion_id)
            return completion_of(connection, row)

    def has_completion(self, completion_id: str) -> bool:
        """Has this completion landed? One that was deleted has."""
        with self.reading() as connection:
            query = "SELECT 1 FROM completion WHERE id = ?"
            return connection.execute(query, (completion_id,)).fetchone() is not None

    def completion_of_candidate(self, candidate_id: str) -> str | None:
        """The completion that a candidate belongs to; a completion's own id is its own."""
        with self.reading() as connection:
            row = connection.execute(
                f"SELECT completion_id FROM candidate WHERE id = ? AND {_NOT_DELETED} "
                "UNION SELECT id FROM completion WHERE id = ? AND deleted IS NULL",
                (candidate_id, candidate_id),
            ).fetchone()
            return row[0] if row else None

    def completions(
        self,
        *,
        after: str = "",
        newest_first: bool = False,
        failed: bool = True,
        imports: Literal["all", "none", "only"] = "all",
        made_by: str | None = None,
        access: Access = OWNER,
        model: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Iterator[CompletionRecord]:
        """Turns in the order of their time, one at a time; `after` is the id of the one before.

        Failed turns are among them unless `failed` is false, and imported ones as `imports` says; deleted
        ones, and what the caller may not see, never are. `made_by` is the name of a key, `model` the one
        that the request named, or the reply; `metadata` are pairs that must all be there.
        """
        query = "SELECT * FROM completion WHERE deleted IS NULL"
        values: list[str] = []
        if after:
            query += f" AND id {'<' if newest_first else '>'} ?"
            values.append(after)
        if not failed:
            query += " AND decision != 'error'"
        if imports != "all":
            # By their ids, which stand in the index: a team may have imported a million.
            query += f" AND id {'<' if imports == 'none' else '>='} 'import-'"
        if made_by is not None:
            query += " AND made_by != '' AND made_by = ?"
            values.append(made_by)
        if model is not None:
            query += " AND ? IN (json_extract(request, '$.model'), json_extract(reply, '$.model'))"
            values.append(model)
        for pair in (metadata or {}).items():
            query += (
                f" AND EXISTS (SELECT 1 FROM json_each({_METADATA}) WHERE key = ? AND value = ?)"
            )
            values += pair
        query += f" ORDER BY id {'DESC' if newest_first else 'ASC'}"
        with self.reading() as connection:
            for row in connection.execute(query, values):
                if admits(access, row["labels"]):
                    yield completion_of(connection, row)

    def feedback(
        self, *, completion_id: str | None = None, include_superseded: bool = False
    ) -> Iterator[FeedbackRecord]:
        """Feedback in the order of its time; what a later one supersedes is left out."""
        query = f"SELECT * FROM feedback WHERE (? IS NULL OR completion_id = ?) AND {_NOT_DELETED}"
        query += f" AND NOT ({SAYS_NOTHING})"
        if not include_superseded:
            query += " AND id NOT IN (SELECT supersedes FROM feedback WHERE supersedes IS NOT NULL)"
        with self.reading() as connection:
            for row in connection.execute(query + " ORDER BY id", (completion_id, completion_id)):
                yield feedback_of(row)

    def counts(self) -> dict[str, dict[str, int]]:
        """How many rows there are of each kind; deleted turns, and the feedback on them, still count."""
        with self.reading() as connection:
            (deleted,) = connection.execute(
                "SELECT count(*) FROM completion WHERE deleted IS NOT NULL"
            ).fetchone()
            return {
                "completions": _count_by(connection, "completion", "decision"),
                "feedback": _count_by(connection, "feedback", "type"),
                "deleted": {"completions": deleted} if deleted else {},
            }

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A read-only connection with rows by name."""
        connection = self.open_reader()
        try:
            yield connection
        finally:
            connection.close()

    def open_reader(self) -> sqlite3.Connection:
        """A read-only connection with rows by name, for whoever closes it; between its queries it holds no
        state of the log."""
        connection = sqlite3.connect(
            f"{self._path.resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        return connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A connection beside the writer's, for what is no row of its own; the caller begins and ends its
        transactions, and keeps them short."""
        connection = open_log(
            self._path, synchronous=self._synchronous, lock_seconds=self._lock_seconds
        )
        try:
            yield connection
        finally:
            connection.close()

    @property
    def waiting(self) -> int:
        """Writes that nobody has begun yet."""
        return self._writer.waiting

    def close(self) -> None:
        """Finish what waits, then stop the writer."""
        self._writer.close()

    def _written(self, task: asyncio.Future[None]) -> None:
        self._unwaited.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("a turn that was answered is not in the log: %s", task.exception())


def _count_by(connection: sqlite3.Connection, table: str, column: str) -> dict[str, int]:
    rows = connection.execute(f"SELECT {column}, count(*) FROM {table} GROUP BY 1 ORDER BY 1")
    return {name: count for name, count in rows}
