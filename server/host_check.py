"""Only requests that were addressed to this machine, and sent by a page of this machine if by any.

A server without keys binds to this machine, but a web page that a user visits could reach it all the
same: by pointing a name of its own at 127.0.0.1 (DNS rebinding), when that name stands in the Host
header, or by sending a form to 127.0.0.1 from elsewhere, when the page's own name stands in Origin.
"""

from __future__ import annotations

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from contract.errors import RequestRejected
from server.replies import error_body

LOCAL = frozenset({"127.0.0.1", "localhost", "[::1]"})


class HostCheck:
    """Pure ASGI middleware: answers 403 where Host or Origin names another machine."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = dict(scope["headers"])
            host = headers.get(b"host", b"").decode("latin-1")
            origin = headers[b"origin"].decode("latin-1") if b"origin" in headers else None
            if not _is_local(host):
                await _refuse("The Host header", "host_not_allowed", scope, receive, send)
                return
            if origin is not None and not _is_local(origin.split("://", 1)[-1]):
                await _refuse("The Origin header", "origin_not_allowed", scope, receive, send)
                return
        await self._app(scope, receive, send)


async def _refuse(what: str, code: str, scope: Scope, receive: Receive, send: Send) -> None:
    error = RequestRejected(
        f"{what} names another machine. Give callers keys (server.keys_file), or, if a proxy in "
        "front checks callers, set server.allow_public to true.",
        code=code,
    )
    await JSONResponse(error_body(error), status_code=403)(scope, receive, send)


def _is_local(host: str) -> bool:
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    return name.lower() in LOCAL
