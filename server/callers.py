"""Who calls: a name, labels and a role, from the keys file or none.

The file holds the SHA-256 of each key and never a key:

    keys:
      - {name: ann, sha256: 5f2c…, labels: [hr], role: rater}
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from contract.access import Access, Labels
from contract.errors import ConfigurationError, NotAllowed, NotAuthenticated
from contract.files import stamp_of
from contract.settings import ServerSettings
from server.limits import UNLIMITED, Limits

Role = Literal["reader", "rater", "admin"]

# Each role may do what those before it may.
ROLES: tuple[Role, ...] = ("reader", "rater", "admin")

# The loader in C, where PyYAML has it: requests wait while a changed file is read again.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request. The name is empty where nobody has to say who they are."""

    name: str
    access: Access
    role: Role
    limits: Limits = UNLIMITED

    def check(self, role: Role) -> None:
        """Raise NotAllowed where this caller's role is a lesser one."""
        if ROLES.index(self.role) < ROLES.index(role):
            raise NotAllowed(
                f"This needs the role {role}; "
                + (
                    f"the key {self.name!r} is a {self.role}."
                    if self.name
                    else "you are anonymous."
                )
            )


class Callers(Protocol):
    """Tells who sent a request."""

    def identify(self, authorization: str) -> Caller:
        """The caller with this Authorization header.

        Raises:
            NotAuthenticated: nobody is known by it.
        """
        ...


class Anonymous:
    """Without a keys file: one caller, who is the admin while only this machine can be the one."""

    def __init__(self, settings: ServerSettings) -> None:
        access = Access(frozenset(settings.anonymous_labels))
        limits = Limits(
            settings.anonymous_requests_per_minute,
            settings.anonymous_tokens_per_minute,
            settings.anonymous_tokens_per_day,
        )
        self._caller = Caller("", access, "admin" if settings.is_local else "rater", limits)

    def identify(self, authorization: str) -> Caller:
        """The one caller; a key that somebody sends all the same is not looked at."""
        return self._caller


class KeyRecord(BaseModel):
    """One key in the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=200)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    labels: Labels = ()
    role: Role = "reader"
    requests_per_minute: Annotated[int, Field(ge=1)] | None = None
    tokens_per_minute: Annotated[int, Field(ge=1)] | None = None
    tokens_per_day: Annotated[int, Field(ge=1)] | None = None

    @property
    def limits(self) -> Limits:
        """What callers with this key may use."""
        return Limits(self.requests_per_minute, self.tokens_per_minute, self.tokens_per_day)

    @property
    def caller(self) -> Caller:
        """Who sends this key."""
        return Caller(self.name, Access(frozenset(self.labels)), self.role, self.limits)


class KeyFile(BaseModel):
    """The whole file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    keys: tuple[KeyRecord, ...] = ()

    @field_validator("keys", mode="before")
    @classmethod
    def _none_is_empty(cls, keys: Any) -> Any:
        return () if keys is None else keys

    @model_validator(mode="after")
    def _are_different(self) -> KeyFile:
        for field in ("name", "sha256"):
            most = Counter(getattr(key, field) for key in self.keys).most_common(1)
            if most and most[0][1] > 1:
                raise ValueError(f"two keys have the {field} {most[0][0]!r}")
        return self


def read_keys(path: Path) -> KeyFile:
    """Read a keys file.

    Raises:
        ConfigurationError: it is missing, or something in it is wrong.
    """
    try:
        return parse_keys(path.read_text(encoding="utf-8"), path)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"The keys file {path} can't be read ({error}). Make a key with `plumbline keys create "
            f"NAME --file {path}`."
        ) from error


def parse_keys(text: str, path: Path) -> KeyFile:
    """The content of a keys file; the path is for the message."""
    try:
        content: Any = yaml.load(text, _LOADER)
        return KeyFile.model_validate(content if content is not None else {})
    except yaml.YAMLError as error:
        raise ConfigurationError(f"The keys file {path} is no YAML: {error}") from error
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in problem["loc"])
        message = problem["msg"].removeprefix("Value error, ")
        raise ConfigurationError(
            f"The keys file {path} is wrong: {f'{place}: ' if place else ''}{message}."
        ) from error


class KeyRing:
    """The callers of a keys file, which is read again when it changes.

    A new version that is broken leaves the old keys in force, and is logged.

    Raises:
        ConfigurationError: at the start the file is missing or broken.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._stamp = stamp_of(path)
        self._callers = _callers(read_keys(path))

    def identify(self, authorization: str) -> Caller:
        """The caller whose key stands in the header.

        A look into a dictionary is not constant in time, and need not be: what is looked up is the
        SHA-256 of a secret of 256 random bits. Whoever could learn of a known digest how it begins
        would have to find a key with such a digest, and could do nothing with it.
        """
        scheme, _, key = authorization.strip().partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise NotAuthenticated(
                "A key is needed: send the header `Authorization: Bearer pl-…`. Whoever runs this "
                "server makes keys with `plumbline keys create`."
            )
        presented = hashlib.sha256(key.strip().encode()).hexdigest()
        caller = self._current().get(presented)
        if caller is None:
            raise NotAuthenticated("This key is not known here; it may have been withdrawn.")
        return caller

    def _current(self) -> dict[str, Caller]:
        with self._lock:
            stamp = stamp_of(self._path)
            if stamp != self._stamp:
                self._stamp = stamp
                try:
                    self._callers = _callers(read_keys(self._path))
                    _log.info("the keys file was read again: %d keys", len(self._callers))
                except ConfigurationError as error:
                    _log.error("the old keys stay in force: %s", error.message)
            return self._callers


def _callers(file: KeyFile) -> dict[str, Caller]:
    return {key.sha256: key.caller for key in file.keys}
