"""The one thread that writes the log. Writes that wait together share one commit."""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from contract.errors import PlumblineError, StorageFailed
from contract.wal import cut_off
from feedback.opening import write_again

_log = logging.getLogger(__name__)

Write = Callable[[sqlite3.Connection], Any]

_MAX_BATCH = 256

# The caller's part; what is wrong stands before it.
_KEPT_NOTHING = "Nothing of this request was stored, and nothing that was acknowledged is lost."

# What a reader held back is wiped as soon as it has gone; this is how often the writer looks.
_WIPE_AGAIN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Item:
    """A write, who waits for it, and whether it takes texts out of the log."""

    write: Write
    erases: bool = False
    future: Future[Any] = field(default_factory=Future)


class Writer:
    """Writes in the order in which they came; `submit` returns when a write is durable.

    Args:
        connection: used, and closed, by the thread that this starts.
        check_file: asked before each commit; raises StorageFailed where the file is not the log any more.
    """

    def __init__(self, connection: sqlite3.Connection, check_file: Callable[[], None]) -> None:
        self._connection = connection
        self._check_file = check_file
        self._failing = False
        self._queue: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    async def submit(self, write: Write, *, erases: bool = False) -> Any:
        """Run a write and wait until it is committed; after one that erases, the old bytes are wiped
        from the files too, as soon as no reader of an older state needs them.

        Raises:
            PlumblineError: the write itself refused.
            StorageFailed: it could not be made durable.
        """
        item = _Item(write, erases)
        self._queue.put(item)
        return await asyncio.wrap_future(item.future)

    async def check(self) -> None:
        """Where the last write failed, try one that changes nothing.

        Raises:
            StorageFailed: it fails as well.
        """
        if self._failing:
            await self.submit(write_again)

    @property
    def waiting(self) -> int:
        """Writes that nobody has begun yet."""
        return self._queue.qsize()

    def close(self) -> None:
        """Finish what waits, then stop."""
        self._queue.put(None)
        self._thread.join(timeout=30)

    def _run(self) -> None:
        connection = self._connection
        # A process that was killed may have left erased texts behind; the file itself zeroes what is
        # deleted.
        wiped = cut_off(connection)
        stop = False
        while not stop:
            batch, stop = self._next_batch(None if wiped else _WIPE_AGAIN_SECONDS)
            try:
                self._check_file()
                settled = _commit(connection, batch)
                wiped = wiped and not any(item.erases for item in batch)
                wiped = wiped or cut_off(connection)
            except Exception as error:  # file or connection are broken: nobody may wait for them
                settled = [(item, _failure(error)) for item in batch]
            for item, result in settled:
                self._note(result)
                _settle(item.future, result)
        connection.close()

    def _note(self, result: Any) -> None:
        """Whether writes fail, and a line in the server's log where that has changed."""
        failing = isinstance(result, StorageFailed)
        if failing and not self._failing:
            _log.error("%s", result.message)
        elif self._failing and not failing:
            _log.warning("the log takes rows again")
        self._failing = failing

    def _next_batch(self, timeout: float | None) -> tuple[list[_Item], bool]:
        """What waits, and whether the end has been asked for; nothing where the time is over."""
        batch: list[_Item] = []
        try:
            following = self._queue.get(timeout=timeout)
            while following is not None:
                batch.append(following)
                if len(batch) == _MAX_BATCH:
                    return batch, False
                following = self._queue.get_nowait()
        except queue.Empty:
            return batch, False
        return batch, True


def _commit(connection: sqlite3.Connection, batch: list[_Item]) -> list[tuple[_Item, Any]]:
    """Run a batch in one transaction; where one write is bad, or there is no room for all, each gets a
    transaction of its own."""
    if not batch:
        return []
    try:
        connection.execute("BEGIN IMMEDIATE")
        results = [item.write(connection) for item in batch]
        connection.execute("COMMIT")
    except Exception as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        # A lock that was waited for is not waited for again by each.
        if len(batch) > 1 and not _is_busy(error):
            return [settled for item in batch for settled in _commit(connection, [item])]
        return [(item, _failure(error)) for item in batch]
    return list(zip(batch, results, strict=True))


def _is_busy(error: Exception) -> bool:
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF == sqlite3.SQLITE_BUSY


def _failure(error: Exception) -> PlumblineError:
    if isinstance(error, PlumblineError):
        return error
    failure = StorageFailed(f"The log can't be written: {error}. {_KEPT_NOTHING}")
    failure.__cause__ = error
    return failure


def _settle(future: Future[Any], result: Any) -> None:
    # The one who waited may be gone (a client that hung up); the row is durable all the same.
    if not future.set_running_or_notify_cancel():
        return
    if isinstance(result, BaseException):
        future.set_exception(result)
    else:
        future.set_result(result)
