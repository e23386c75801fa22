"""What routes ask for. All are coroutines: a plain function would cost a thread for each request."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from server.callers import Caller
from server.parts import Parts


def parts_of(request: Request) -> Parts:
    """The parts behind the application."""
    parts = request.app.state.parts
    assert isinstance(parts, Parts)
    return parts


def caller_of(request: Request) -> Caller:
    """Who sent the request."""
    caller = request.state.caller
    assert isinstance(caller, Caller)
    return caller


async def _parts(request: Request) -> Parts:
    return parts_of(request)


async def _caller(request: Request) -> Caller:
    return caller_of(request)


async def _rater(caller: Annotated[Caller, Depends(_caller)]) -> Caller:
    caller.check("rater")
    return caller


async def _admin(caller: Annotated[Caller, Depends(_caller)]) -> Caller:
    caller.check("admin")
    return caller


def admin_of(request: Request) -> Caller:
    """The caller of a request.

    Raises:
        NotAllowed: it is no admin.
    """
    caller = caller_of(request)
    caller.check("admin")
    return caller


PartsDep = Annotated[Parts, Depends(_parts)]

# Who sent the request; the later two only where the caller may give feedback, or change documents.
CallerDep = Annotated[Caller, Depends(_caller)]
RaterDep = Annotated[Caller, Depends(_rater)]
AdminDep = Annotated[Caller, Depends(_admin)]
