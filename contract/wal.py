"""SQLite's write-ahead log keeps old pages until it is cut off."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable

_SECONDS_BETWEEN_TRIES = 0.1


def cut_off(connection: sqlite3.Connection) -> bool:
    """Move everything from the write-ahead log into the file and cut the log off, without waiting; False
    where somebody still reads from it, or writes."""
    (timeout,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.DatabaseError:
        return False
    finally:
        connection.execute(f"PRAGMA busy_timeout = {timeout}")
    return not busy


def within(seconds: float, work: Callable[[], bool]) -> bool:
    """Try `work` until it succeeds, at least once; False where it has not by then."""
    deadline = time.monotonic() + seconds
    while not work():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_SECONDS_BETWEEN_TRIES)
    return True
