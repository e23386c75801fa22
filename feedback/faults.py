"""Whose fault is a turn that failed? Only our own failures say something about a policy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from contract.errors import PlumblineError, RequestRejected

Fault = Literal["failed", "caller", "hung_up"]


def fault_of(code: str) -> Fault:
    """By the error code that stands in the log: the caller's request was refused, the caller hung up, or
    the server failed."""
    if code == "client_closed_request":
        return "hung_up"
    return "failed" if code in _OURS else "caller"


def _codes(kind: type[PlumblineError]) -> Iterator[str]:
    if issubclass(kind, RequestRejected):
        return
    yield kind.code
    for special in kind.__subclasses__():
        yield from _codes(special)


_OURS = frozenset(_codes(PlumblineError))
