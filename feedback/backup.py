"""Copies of the log, made while it is written to, and the proof that a log is whole."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from contract.errors import ConfigurationError, StorageFailed
from contract.files import put_in_place
from contract.progress import Progress
from feedback.migrations import MIGRATIONS

# Between two steps of so many pages (4 MB) the progress is shown and an interrupt is heard.
_PAGES = 1024
_BESIDE = ("", "-journal", "-wal", "-shm")


@dataclass(frozen=True, slots=True)
class Contents:
    """What a log holds: its schema, and the number of rows of each table."""

    schema: int
    rows: dict[str, int]


def backup(log: Path, out: Path, progress: Progress, *, force: bool = False) -> Contents:
    """Copy a log into one file that appears whole, readable by its owner only, or not at all.

    A server may write to the log meanwhile; every row that was acknowledged before is in the copy.

    Args:
        progress: called with "copying", pages done, pages in all.
        force: whether a file that is there already is replaced.

    Raises:
        ConfigurationError: there is no log, it is damaged, or `out` can't be used.
        StorageFailed: the copy could not be written, or does not hold what the log held.
    """
    _check_log(log)
    _check_place(log, out, force)
    draft = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        rows = _copy(log, draft, progress)
        found = _verified(draft, log)
        if found.rows != rows:
            raise StorageFailed(f"The copy holds {found.rows} rows, and the log {rows}. Try again.")
        _check_place(log, out, force)
        put_in_place(draft, out)
    except (OSError, sqlite3.Error) as error:
        raise StorageFailed(
            f"The backup {out} can't be written, or the log not read: {error}."
        ) from error
    finally:
        for ending in _BESIDE:
            draft.with_name(draft.name + ending).unlink(missing_ok=True)
    return found


def verify(log: Path) -> Contents:
    """Check a log, or a copy of one: each page and index, and that no turn is half there.

    A server may write to it meanwhile; what is checked is one state of it.

    Raises:
        ConfigurationError: there is none, it is damaged, or this version can't read it.
    """
    _check_log(log)
    return _verified(log, log)


def _verified(file: Path, shown: Path) -> Contents:
    try:
        with closing(_reading(file)) as connection:
            connection.execute("BEGIN")
            (schema,) = connection.execute("PRAGMA user_version").fetchone()
            problems = [row[0] for row in connection.execute("PRAGMA integrity_check(5)")]
            if problems != ["ok"]:
                raise ConfigurationError(f"{shown} is damaged: {'; '.join(problems)}.")
            if not 0 < schema <= len(MIGRATIONS):
                raise ConfigurationError(
                    f"{shown} is no log that this version reads: it has schema {schema}, and "
                    f"1 to {len(MIGRATIONS)} are known."
                )
            (halves,) = connection.execute(
                "SELECT count(*) FROM candidate WHERE completion_id NOT IN (SELECT id FROM completion)"
            ).fetchone()
            if halves:
                raise ConfigurationError(f"{shown} holds {halves} candidates without their turn.")
            return Contents(schema, _rows(connection))
    except sqlite3.Error as error:
        raise ConfigurationError(f"{shown} is damaged, or no log: {error}.") from error


def _copy(log: Path, draft: Path, progress: Progress) -> dict[str, int]:
    """Copy all pages of one state; return the rows that this state has.

    The online backup API begins anew whenever another process has committed between two of its steps,
    which under constant writing never ends. The transaction around it holds on to one state, so that
    nothing is new to it; nobody waits for that, the write-ahead log only grows until it is over. VACUUM
    INTO would hold on to one state as well, but builds every table and index anew (more processor time),
    shows no progress, and gives no copy of the pages as they are.
    """
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with (
        closing(_reading(log)) as source,
        closing(sqlite3.connect(draft, isolation_level=None)) as copy,
    ):
        source.execute("BEGIN")
        rows = _rows(source)
        source.backup(
            copy,
            pages=_PAGES,
            progress=lambda _, left, total: progress("copying", total - left, total),
        )
        # One file by itself: a write-ahead log beside it could be forgotten when it is moved.
        copy.execute("PRAGMA journal_mode = DELETE")
    return rows


def _rows(connection: sqlite3.Connection) -> dict[str, int]:
    tables = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY 1"
    ).fetchall()
    return {
        name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]
        for (name,) in tables
    }


def _reading(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)


def _check_log(log: Path) -> None:
    if not log.is_file():
        raise ConfigurationError(
            f"There is no log at {log}. Name a file that is there, or the data folder with --data-dir."
        )


def _check_place(log: Path, out: Path, force: bool) -> None:
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"The folder {out.parent} can't be made: {error.strerror}. Choose another --out."
        ) from error
    if out.is_dir():
        raise ConfigurationError(f"{out} is a folder. Name the file to write.")
    if out.resolve() in [log.resolve().with_name(log.name + ending) for ending in _BESIDE]:
        raise ConfigurationError(f"{out} belongs to the log itself. Choose another file.")
    if out.exists() and not force:
        raise ConfigurationError(f"{out} is there already. Choose another file, or say --force.")
