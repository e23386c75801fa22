"""How the log's file is opened for writing: in WAL mode, as durable as asked, with the newest schema."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from contract.errors import ConfigurationError, StorageFailed
from feedback.migrations import migrate

_BETWEEN_TRIES_SECONDS = 0.02


def open_log(path: Path, *, synchronous: str, lock_seconds: float) -> sqlite3.Connection:
    """A connection that writes the log, which any one thread may use.

    Args:
        lock_seconds: how long a write waits while another process holds the log's lock.

    Raises:
        ConfigurationError: the file can't be used, is no log, or is one of a newer version.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # It holds what everybody said; SQLite gives its other files the same permissions.
        if not path.exists():
            path.touch(mode=0o600)
        connection = sqlite3.connect(
            path, isolation_level=None, timeout=lock_seconds, check_same_thread=False
        )
        try:
            _make_ready(connection, synchronous, lock_seconds)
        except BaseException:
            connection.close()
            raise
    except (OSError, sqlite3.Error) as error:
        raise ConfigurationError(f"The log {path} can't be used: {error}.") from error
    return connection


def check_writable(path: Path, lock_seconds: float) -> None:
    """Can the log be written, not only read?

    Raises:
        ConfigurationError: it can't.
    """
    try:
        connection = sqlite3.connect(path, isolation_level=None, timeout=lock_seconds)
        try:
            connection.execute("BEGIN IMMEDIATE")
            write_again(connection)
            connection.execute("ROLLBACK")
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise ConfigurationError(
            f"The log {path} can't be written: {error}. Look at its permissions and its disk."
        ) from error


def file_check(path: Path) -> Callable[[], None]:
    """A function that raises StorageFailed once the path names another file than now, or none: rows that
    go into a file without a name are gone with the process."""

    def named() -> tuple[int, int] | None:
        try:
            status = path.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino

    opened = named()

    def check() -> None:
        if named() != opened:
            raise StorageFailed(
                f"The log {path} was moved or replaced while it was open. Restart the server."
            )

    return check


def write_again(connection: sqlite3.Connection) -> None:
    """Write a page with what stands in it already."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.execute(f"PRAGMA user_version = {version}")


def _make_ready(connection: sqlite3.Connection, synchronous: str, lock_seconds: float) -> None:
    connection.row_factory = sqlite3.Row
    mode = _to_wal(connection, lock_seconds)
    if mode != "wal":
        raise ConfigurationError(
            f"The log can't be kept in WAL mode (it stays in {mode}). Put it on a local disk: set log_path."
        )
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    # Without it a sync leaves rows in the drive's cache on macOS; elsewhere it means nothing.
    connection.execute(f"PRAGMA fullfsync = {int(synchronous == 'FULL')}")
    connection.execute("PRAGMA secure_delete = ON")
    migrate(connection)


def _to_wal(connection: sqlite3.Connection, lock_seconds: float) -> str:
    """SQLite itself waits for no lock here, and two processes may make a new log at the same time."""
    deadline = time.monotonic() + lock_seconds
    while True:
        try:
            return str(connection.execute("PRAGMA journal_mode = WAL").fetchone()[0])
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(_BETWEEN_TRIES_SECONDS)
