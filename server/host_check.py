"""Only requests that were addressed to this machine.

The server has no keys and binds to this machine, but a web page that a user visits could reach it all
the same, by pointing a name of its own at 127.0.0.1 (DNS rebinding). Such a request carries that name
in its Host header.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from contract.errors import RequestRejected
from server.replies import error_body

LOCAL = frozenset({"127.0.0.1", "localhost", "[::1]"})


class HostCheck:
    """Pure ASGI middleware: answers 403 where the Host header names another machine."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _is_local(Headers(scope=scope).get("host", "")):
            error = RequestRejected(
                "The Host header names another machine. If a proxy in front checks callers, set "
                "server.allow_public to true.",
                code="host_not_allowed",
            )
            await JSONResponse(error_body(error), status_code=403)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _is_local(host: str) -> bool:
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    return name.lower() in LOCAL
