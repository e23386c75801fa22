"""What routes ask for."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from server.callers import Caller
from server.parts import Parts


def _parts(request: Request) -> Parts:
    parts = request.app.state.parts
    assert isinstance(parts, Parts)
    return parts


def _caller(request: Request) -> Caller:
    caller = request.state.caller
    assert isinstance(caller, Caller)
    return caller


def _rater(caller: Annotated[Caller, Depends(_caller)]) -> Caller:
    caller.check("rater")
    return caller


def _admin(caller: Annotated[Caller, Depends(_caller)]) -> Caller:
    caller.check("admin")
    return caller


def admin_of(request: Request) -> Caller:
    """The caller of a request.

    Raises:
        NotAllowed: it is no admin.
    """
    return _admin(_caller(request))


PartsDep = Annotated[Parts, Depends(_parts)]

# Who sent the request; the later two only where the caller may give feedback, or change documents.
CallerDep = Annotated[Caller, Depends(_caller)]
RaterDep = Annotated[Caller, Depends(_rater)]
AdminDep = Annotated[Caller, Depends(_admin)]
