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
from contract.progress import Progress
from feedback.backup import Contents, backup, verify

_BESIDE = ("-wal", "-shm")


def restore(
    copy: Path, log: Path, progress: Progress, *, although_forgotten: bool = False
) -> tuple[Contents, Path | None]:
    """Put what a copy holds in the place of the log, whole and checked or not at all.

    Args:
        although_forgotten: go on where it brings back texts of persons and documents that were forgotten
            since the copy was made.

    Returns:
        What the copy holds, and where the log that was there lies now; None where there was none.

    Raises:
        ConfigurationError: the copy is damaged or of a newer version, a server uses the log, or somebody
            was forgotten since.
        StorageFailed: it could not be written; the log is the one that was there.
    """
    if copy.exists() and log.exists() and copy.samefile(log):
        raise ConfigurationError(f"{copy} is the log itself. Name a copy of it.")
    verify(copy)  # what is wrong with it is said of the copy, and not of the draft
    draft = log.with_name(f".{log.name}.restored")
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        contents = backup(copy, draft, progress, force=True)
        since = len(_forgotten(log) - _forgotten(draft))
        if since and not although_forgotten:
            raise ConfigurationError(
                f"Persons or documents were forgotten {since} times since {copy} was made; it would bring their "
                "texts back. With --although-forgotten it does, and you have to forget them again."
            )
        kept = _keep(log, draft)
        put_in_place(draft, log)
    except OSError as error:
        raise StorageFailed(f"{log} can't be restored: {error}.") from error
    finally:
        draft.unlink(missing_ok=True)
    return contents, kept


def _forgotten(log: Path) -> set[str]:
    """The ids of the tombstones in a log; none where it is missing, broken or older than these."""
    if not log.exists():
        return set()
    try:
        with closing(sqlite3.connect(f"{log.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            return {stone for (stone,) in connection.execute("SELECT id FROM tombstone")}
    except sqlite3.DatabaseError:
        return set()


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
