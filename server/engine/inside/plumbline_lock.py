"""An ASGI middleware for vLLM: without the key, nothing but `/health` answers.

vLLM's own check leaves `/invocations`, `/classify`, `/adapters` and `/metrics` open to everybody on the
machine. It runs inside vLLM (`--middleware plumbline_lock.Lock`); standard library only.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_BODY = (
    b'{"error": {"message": "This engine belongs to Plumbline and wants its key.", "code": 401}}'
)


class Lock:
    """Answers 401 to whoever does not carry the key that vLLM was started with."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._expected = f"Bearer {os.environ['VLLM_API_KEY']}".encode()  # noqa: TID251

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope["path"] == "/health" or self._admits(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            headers = [(b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": 401, "headers": headers})
            await send({"type": "http.response.body", "body": _BODY})
        else:
            await send({"type": "websocket.close", "code": 1008})

    def _admits(self, scope: Scope) -> bool:
        given = dict(scope["headers"]).get(b"authorization", b"")
        return secrets.compare_digest(given, self._expected)
