"""Every request has a caller before anything of it is read."""

from __future__ import annotations

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from contract.errors import NotAuthenticated
from server.callers import Callers
from server.replies import error_body

# Whoever watches over the server asks this, and has no key.
OPEN = frozenset({"/healthz"})


class KeyCheck:
    """Pure ASGI middleware: puts the caller into `scope["state"]`, or answers 401."""

    def __init__(self, app: ASGIApp, callers: Callers) -> None:
        self._app = app
        self._callers = callers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in OPEN:
            try:
                sent = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
                caller = self._callers.identify(sent)
            except NotAuthenticated as error:
                body, headers = error_body(error), {"www-authenticate": "Bearer"}
                await JSONResponse(body, 401, headers)(scope, receive, send)
                return
            scope.setdefault("state", {})["caller"] = caller
        await self._app(scope, receive, send)
