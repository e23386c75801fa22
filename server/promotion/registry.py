"""Which versions of the policy are in service: one small file, read by every process of the server.

It is replaced whole, so a reader sees the state before a change or the one after it, and its history only
ever grows.
"""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from contract.errors import ConfigurationError, Conflict
from contract.files import problem_of, stamp_of, write_atomically
from contract.promotion import BASE

SCHEMA: Literal[1] = 1
WHOLE = 100.0

_log = logging.getLogger(__name__)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Entry(_Part):
    """One line of the history.

    Attributes:
        at: when, in UTC.
        what: `promote` or `rollback`.
        version, share: what was given which share of the users, in percent.
        service, candidate: what stood in these places afterwards.
        evaluation: SHA-256 of the evaluation that the gates read, or "".
        forced: the gates that failed and were passed over.
    """

    at: str
    who: str
    what: Literal["promote", "rollback"]
    version: str
    share: float
    service: str
    candidate: str | None = None
    evaluation: str = ""
    forced: tuple[str, ...] = ()
    reason: str = ""


class State(_Part):
    """What is in service.

    Attributes:
        service: the version that answers, BASE where the settings name it.
        candidate, share: the version beside it, and the percent of the users that it answers.
        salt: of the rollout; who gets the candidate is drawn anew with each.
        before: versions that were in service before, the latest last.
    """

    schema_version: Literal[1] = SCHEMA
    service: str = BASE
    candidate: str | None = None
    share: float = 0.0
    salt: str = ""
    before: tuple[str, ...] = ()
    history: tuple[Entry, ...] = ()

    @property
    def wanted(self) -> tuple[str, ...]:
        """The adapters that every engine shall have: those that answer, and the one to go back to."""
        names = (self.service, self.candidate, *self.before[-1:])
        return tuple(dict.fromkeys(name for name in names if name and name != BASE))

    def share_of(self, version: str) -> float:
        """Percent of the users that a version answers."""
        if version == self.candidate:
            return self.share
        return WHOLE - self.share if version == self.service else 0.0

    def promoted(self, version: str, share: float) -> State:
        """The state in which a version has a share.

        Raises:
            Conflict: it is in service already.
        """
        if version == self.service:
            raise Conflict(
                f"{version} is in service already."
                + (f" To take {self.candidate} back, roll back." if self.candidate else "")
            )
        if share >= WHOLE:
            before = (*self.before, self.service)
            return self.model_copy(
                update={"service": version, "candidate": None, "share": 0.0, "before": before}
            )
        # The same users keep the candidate while its share grows.
        salt = self.salt if version == self.candidate else secrets.token_hex(8)
        return self.model_copy(update={"candidate": version, "share": share, "salt": salt})

    def rolled_back(self) -> State:
        """The state without the candidate, or where there is none with the version before.

        Raises:
            Conflict: there is nothing to go back to.
        """
        if self.candidate is not None:
            return self.model_copy(update={"candidate": None, "share": 0.0})
        if not self.before:
            raise Conflict("There is nothing to roll back: no version was promoted before.")
        *earlier, last = self.before
        return self.model_copy(update={"service": last, "before": tuple(earlier)})

    def noting(self, entry: Entry) -> State:
        """The state with a further line in its history."""
        return self.model_copy(update={"history": (*self.history, entry)})


class Registry:
    """The file, and the state that was read from it last.

    Args:
        path: the file; where there is none, nothing was ever promoted.

    Raises:
        ConfigurationError: it is there and can't be understood.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = stamp_of(path)
        self.state = read_state(path)

    def refresh(self) -> bool:
        """Read the file again where it changed; True where it did. A broken one changes nothing."""
        stamp = stamp_of(self._path)
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        try:
            self.state = read_state(self._path)
        except ConfigurationError as error:
            _log.error("the policies in service stay as they were: %s", error.message)
            return False
        return True

    @contextmanager
    def changing(self) -> Iterator[State]:
        """The newest state, which nobody else changes meanwhile.

        Raises:
            Conflict: another change is under way, here or in another process.
            ConfigurationError: the file is broken, or the folder can't be written.
        """
        lock = self._path.with_suffix(".lock")
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise ConfigurationError(f"{lock} can't be written: {error.strerror}.") from error
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise Conflict(
                    "Another promotion or rollback is under way. Try again in a moment."
                ) from error
            yield read_state(self._path)
        finally:
            os.close(descriptor)

    def write(self, state: State) -> None:
        """Put a state in force; only inside `changing`.

        Raises:
            ConfigurationError: it can't be written.
        """
        try:
            write_atomically(self._path, state.model_dump_json(indent=1).encode())
        except OSError as error:
            raise ConfigurationError(f"{self._path} can't be written: {error.strerror}.") from error
        self._stamp, self.state = stamp_of(self._path), state


def read_state(path: Path) -> State:
    """The state in a file; where there is none, nothing was ever promoted.

    Raises:
        ConfigurationError: it can't be read, or is of another version.
    """
    try:
        return State.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return State()
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read ({error.strerror}).") from error
    except ValidationError as error:
        raise ConfigurationError(
            f"{path} can't be understood: {problem_of(error)}. Mend it, or move it away to serve the "
            "policy that the settings name."
        ) from error


def now() -> str:
    """The time, as the history has it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
