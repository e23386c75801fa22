"""The log: an append-only SQLite file in WAL mode, written by one thread.

A write is acknowledged when the transaction that holds it is committed, so what was acknowledged
survives `kill -9` (and with `synchronous=FULL` a power loss). Writes that wait together share one
commit.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import orjson

from contract.access import OWNER, Access
from contract.errors import ConfigurationError, NotFound, StorageFailed
from feedback.migrations import migrate
from feedback.records import CandidateRecord, CompletionRecord, FeedbackRecord

_log = logging.getLogger(__name__)

_Write = Callable[[sqlite3.Connection], Any]

_MAX_BATCH = 256


class Log:
    """The log file. Reading opens connections of its own and never waits for the writer."""

    def __init__(
        self, path: Path, *, synchronous: str = "FULL", acknowledge: str = "durable"
    ) -> None:
        self._path = path
        self._waits = acknowledge == "durable"
        self._synchronous = synchronous
        self._unwaited: set[asyncio.Future[Any]] = set()
        self._open().close()
        self._queue: queue.SimpleQueue[tuple[_Write, Future[Any]] | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._writer.start()

    async def write_completion(self, record: CompletionRecord) -> None:
        """Store a turn with all its candidates; with `acknowledge="queued"` soon, not now.

        Raises:
            StorageFailed: the row is not durable (a full or read-only disk).
        """
        writing = self._submit(lambda connection: _insert_completion(connection, record))
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
        """
        stored: tuple[FeedbackRecord, bool] = await self._submit(
            lambda connection: _insert_feedback(connection, record)
        )
        return stored

    def completion(self, completion_id: str, *, access: Access = OWNER) -> CompletionRecord:
        """One turn with its candidates.

        Raises:
            NotFound: the log holds no such completion, or none that this caller may see.
        """
        with self.reading() as connection:
            row = connection.execute(
                "SELECT * FROM completion WHERE id = ?", (completion_id,)
            ).fetchone()
            if row is None or not _admits(access, row):
                raise NotFound(f"There is no completion {completion_id!r} in the log.", param="id")
            return _completion(connection, row)

    def has_completion(self, completion_id: str) -> bool:
        """Has this completion landed?"""
        with self.reading() as connection:
            query = "SELECT 1 FROM completion WHERE id = ?"
            return connection.execute(query, (completion_id,)).fetchone() is not None

    def completion_of_candidate(self, candidate_id: str) -> str | None:
        """The completion that a candidate belongs to; a completion's own id is its own."""
        with self.reading() as connection:
            row = connection.execute(
                "SELECT completion_id FROM candidate WHERE id = ? "
                "UNION SELECT id FROM completion WHERE id = ?",
                (candidate_id, candidate_id),
            ).fetchone()
            return row[0] if row else None

    def completions(
        self,
        *,
        after: str = "",
        newest_first: bool = False,
        failed: bool = True,
        access: Access = OWNER,
    ) -> Iterator[CompletionRecord]:
        """Turns in the order of their time, one at a time; `after` is the id of the one before.

        Failed turns are among them unless `failed` is false, and what the caller may not see never is.
        """
        query = f"SELECT * FROM completion WHERE (? = '' OR id {'<' if newest_first else '>'} ?)"
        if not failed:
            query += " AND decision != 'error'"
        query += f" ORDER BY id {'DESC' if newest_first else 'ASC'}"
        with self.reading() as connection:
            for row in connection.execute(query, (after, after)):
                if _admits(access, row):
                    yield _completion(connection, row)

    def feedback(
        self, *, completion_id: str | None = None, include_superseded: bool = False
    ) -> Iterator[FeedbackRecord]:
        """Feedback in the order of its time; what a later one supersedes is left out."""
        query = "SELECT * FROM feedback WHERE (? IS NULL OR completion_id = ?)"
        if not include_superseded:
            query += " AND id NOT IN (SELECT supersedes FROM feedback WHERE supersedes IS NOT NULL)"
        with self.reading() as connection:
            for row in connection.execute(query + " ORDER BY id", (completion_id, completion_id)):
                yield FeedbackRecord(**{**dict(row), "body": orjson.loads(row["body"])})

    def counts(self) -> dict[str, dict[str, int]]:
        """How many rows there are of each kind."""
        with self.reading() as connection:
            return {
                "completions": _count_by(connection, "completion", "decision"),
                "feedback": _count_by(connection, "feedback", "type"),
            }

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A read-only connection with rows by name."""
        connection = sqlite3.connect(f"{self._path.resolve().as_uri()}?mode=ro", uri=True)
        connection.row_factory = sqlite3.Row
        try:
            yield connection
        finally:
            connection.close()

    @property
    def waiting(self) -> int:
        """Writes that nobody has begun yet."""
        return self._queue.qsize()

    def close(self) -> None:
        """Finish what waits, then stop the writer."""
        self._queue.put(None)
        self._writer.join(timeout=30)

    def _open(self) -> sqlite3.Connection:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self._path, isolation_level=None, timeout=10)
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {self._synchronous}")
            migrate(connection)
        except (OSError, sqlite3.Error) as error:
            raise ConfigurationError(f"The log {self._path} can't be used: {error}.") from error
        return connection

    def _written(self, task: asyncio.Future[Any]) -> None:
        self._unwaited.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("a turn that was answered is not in the log: %s", task.exception())

    async def _submit(self, write: _Write) -> Any:
        future: Future[Any] = Future()
        self._queue.put((write, future))
        return await asyncio.wrap_future(future)

    def _run(self) -> None:
        connection = self._open()
        while (first := self._queue.get()) is not None:
            batch = [first]
            stop = False
            while len(batch) < _MAX_BATCH and not self._queue.empty():
                following = self._queue.get()
                if following is None:
                    stop = True
                    break
                batch.append(following)
            try:
                _commit(connection, batch)
            except Exception as error:  # the connection itself is broken: nobody may wait for it
                for _, future in batch:
                    if not future.done():
                        _settle(future, StorageFailed(f"The log can't be written: {error}."))
            if stop:
                break
        connection.close()


def _commit(connection: sqlite3.Connection, batch: list[tuple[_Write, Future[Any]]]) -> None:
    """Run a batch in one transaction; where one write is bad, each gets a transaction of its own."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        results = [write(connection) for write, _ in batch]
        connection.execute("COMMIT")
    except Exception as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        if len(batch) > 1:
            for item in batch:
                _commit(connection, [item])
            return
        failure = StorageFailed(f"The log can't be written: {error}.")
        failure.__cause__ = error
        _settle(batch[0][1], failure)
        return
    for (_, future), result in zip(batch, results, strict=True):
        _settle(future, result)


def _settle(future: Future[Any], result: Any) -> None:
    # The one who waited may be gone (a client that hung up); the row is durable all the same.
    if not future.set_running_or_notify_cancel():
        return
    if isinstance(result, BaseException):
        future.set_exception(result)
    else:
        future.set_result(result)


_COMPLETION = [f.name for f in fields(CompletionRecord) if f.name != "candidates"]
_CANDIDATE = [f.name for f in fields(CandidateRecord)]
_FEEDBACK = [f.name for f in fields(FeedbackRecord)]
_COMPLETION_JSON = ("request", "prompt", "passages", "reply", "labels")


def _insert_completion(connection: sqlite3.Connection, record: CompletionRecord) -> None:
    _insert(connection, "completion", _COMPLETION, record)
    for candidate in record.candidates:
        _insert(connection, "candidate", _CANDIDATE, candidate)


def _insert_feedback(
    connection: sqlite3.Connection, record: FeedbackRecord
) -> tuple[FeedbackRecord, bool]:
    if record.idempotency_key is not None:
        row = connection.execute(
            "SELECT * FROM feedback WHERE idempotency_key = ?", (record.idempotency_key,)
        ).fetchone()
        if row is not None:
            return FeedbackRecord(**{**dict(row), "body": orjson.loads(row["body"])}), False
    _insert(connection, "feedback", _FEEDBACK, record)
    return record, True


def _insert(connection: sqlite3.Connection, table: str, columns: list[str], record: Any) -> None:
    values = [_stored(getattr(record, name)) for name in columns]
    marks = ", ".join("?" * len(columns))
    connection.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", values)


def _admits(access: Access, row: sqlite3.Row) -> bool:
    return all(access.admits(group) for group in orjson.loads(row["labels"]))


def _stored(value: Any) -> Any:
    if isinstance(value, dict | list | tuple):
        return orjson.dumps(value).decode()
    return int(value) if isinstance(value, bool) else value


def _completion(connection: sqlite3.Connection, row: sqlite3.Row) -> CompletionRecord:
    values = dict(row)
    for name in _COMPLETION_JSON:
        values[name] = orjson.loads(values[name])
    candidates = connection.execute(
        "SELECT * FROM candidate WHERE completion_id = ? ORDER BY choice, attempt, ordinal",
        (values["id"],),
    )
    return CompletionRecord(
        **{**values, "answered": bool(values["answered"]), "review": bool(values["review"])},
        candidates=tuple(_candidate(dict(candidate)) for candidate in candidates),
    )


def _candidate(values: dict[str, Any]) -> CandidateRecord:
    parsed = {name: orjson.loads(values[name]) for name in ("judgement", "tool_calls")}
    return CandidateRecord(**{**values, **parsed, "served": bool(values["served"])})


def _count_by(connection: sqlite3.Connection, table: str, column: str) -> dict[str, int]:
    rows = connection.execute(f"SELECT {column}, count(*) FROM {table} GROUP BY 1 ORDER BY 1")
    return {name: count for name, count in rows}
