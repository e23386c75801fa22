"""Every request has a caller, and the caller a budget, before anything of it is read."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from contract.errors import NotAuthenticated, RateLimited
from server.callers import Callers
from server.errors import reply_to
from server.limits import Limiter
from server.telemetry.flight import CURRENT

# Whoever watches over the server asks the first two, and has no key; nor has a browser that opens the page.
OPEN = frozenset({"/healthz", "/livez", "/"})

# The files of the page; all that they show comes through routes that ask for a key.
PAGE = "/page/"


class KeyCheck:
    """Pure ASGI middleware: puts the caller into `scope["state"]`, or answers 401 or 429."""

    def __init__(
        self, app: ASGIApp, callers: Callers, limiter: Limiter, *, open_metrics: bool
    ) -> None:
        self._app = app
        self._callers = callers
        self._limiter = limiter
        self._open = OPEN | {"/metrics"} if open_metrics else OPEN

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._is_open(scope["path"]):
            try:
                self._let_in(scope)
            except (NotAuthenticated, RateLimited) as error:
                await reply_to(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _is_open(self, path: str) -> bool:
        return path in self._open or path.startswith(PAGE)

    def _let_in(self, scope: Scope) -> None:
        sent = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
        caller = self._callers.identify(sent)
        scope.setdefault("state", {})["caller"] = caller
        budget = self._limiter.budget(caller.name, caller.limits)
        if budget is not None:
            flight = CURRENT.get()
            if flight is not None:
                flight.budget = budget
            budget.admit()
