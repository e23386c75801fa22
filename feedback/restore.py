"""A copy takes the place of the log, and the log that was there is kept."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from contract.errors import ConfigurationError, StorageFailed
from contract.files import put_in_place
from feedback.backup import Contents, Progress, backup

_BESIDE = ("-wal", "-shm")


def restore(copy: Path, log: Path, progress: Progress) -> tuple[Contents, Path | None]:
    """Put what a copy holds in the place of the log, whole and checked or not at all.

    Returns:
        What the copy holds, and where the log that was there lies now; None where there was none.

    Raises:
        ConfigurationError: the copy is damaged or of a newer version, or a server uses the log.
        StorageFailed: it could not be written; the log is the one that was there.
    """
    if copy.exists() and log.exists() and copy.samefile(log):
        raise ConfigurationError(f"{copy} is the log itself. Name a copy of it.")
    draft = log.with_name(f".{log.name}.restored")
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        contents = backup(copy, draft, progress, force=True)
        kept = _keep(log, draft)
        put_in_place(draft, log)
    except OSError as error:
        raise StorageFailed(f"{log} can't be restored: {error}.") from error
    finally:
        draft.unlink(missing_ok=True)
    return contents, kept


def _keep(log: Path, draft: Path) -> Path | None:
    """Give the log another name as well, and its owner and mode to the draft. Nothing stays beside it: what
    stands in its write-ahead log would be applied to whichever file has its name."""
    kept = log.with_name(f"{log.name}.until-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}")
    if log.exists():
        _end_write_ahead_log(log)
        shutil.copymode(log, draft)
        with suppress(PermissionError):
            shutil.chown(draft, log.stat().st_uid, log.stat().st_gid)
    for ending in _BESIDE:
        beside = log.with_name(log.name + ending)
        if beside.exists():
            beside.rename(kept.with_name(kept.name + ending))
    if not log.exists():
        return None
    os.link(log, kept)
    return kept


def _end_write_ahead_log(log: Path) -> None:
    """Bring what is in it into the file, which nobody else may use.

    A log too damaged for that is kept with what lies beside it. Should a server use it nevertheless, that server
    sees at its next row that its file was replaced.
    """
    try:
        with closing(sqlite3.connect(log, isolation_level=None, timeout=0.5)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
            raise ConfigurationError(f"{log} is in use. Stop the server first.") from error
