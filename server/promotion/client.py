"""The command line's way to a running server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import orjson

from contract.errors import ConfigurationError, NotFound, PolicyUnreachable
from contract.settings import Settings

# A large adapter is read by each engine before the answer comes.
_SECONDS = 600.0


class Client:
    """Asks `/v1/policies` of one server."""

    def __init__(self, settings: Settings) -> None:
        given = settings.promotion.url
        host = settings.server.host
        here = "127.0.0.1" if host in ("0.0.0.0", "::", "localhost") else host
        here = f"[{here}]" if ":" in here else here
        url = str(given) if given else f"http://{here}:{settings.server.port}"
        self.url = url.rstrip("/").removesuffix("/v1")
        key = settings.promotion.api_key
        self._headers = {"content-type": "application/json"}
        if key is not None:
            self._headers["authorization"] = f"Bearer {key.get_secret_value()}"

    def get(self, path: str, **query: str | float | None) -> dict[str, Any]:
        """GET below /v1/policies.

        Raises:
            PolicyUnreachable: no server answers there.
            NotFound: it does not know what was asked for.
            ConfigurationError: it refuses; the message is its own.
        """
        asked = {name: value for name, value in query.items() if value is not None}
        return self._send("GET", path, asked, None)

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """POST below /v1/policies; raises as `get`."""
        return self._send("POST", path, {}, orjson.dumps(body))

    def _send(
        self, method: str, path: str, query: Mapping[str, str | float], content: bytes | None
    ) -> dict[str, Any]:
        try:
            reply = httpx.request(
                method,
                f"{self.url}/v1/policies{path}",
                params=dict(query),
                content=content,
                headers=self._headers,
                timeout=_SECONDS,
                trust_env=False,
            )
        except httpx.HTTPError as error:
            raise PolicyUnreachable(
                f"No server answers at {self.url} ({type(error).__name__}). Start it, or give its address with "
                "--url."
            ) from error
        found = _parsed(reply.content)
        if reply.is_success and found is not None:
            return found
        message = _message(found)
        if reply.status_code == httpx.codes.NOT_FOUND:
            raise NotFound(message)
        raise ConfigurationError(f"{self.url} refuses (status {reply.status_code}): {message}")


def _message(reply: Mapping[str, Any] | None) -> str:
    """The server's own words, whole: failed gates are listed with their numbers."""
    error = (reply or {}).get("error")
    return str(error.get("message")) if isinstance(error, dict) else "it gives no reason"


def _parsed(content: bytes) -> dict[str, Any] | None:
    """A JSON object, or None where it is none."""
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None
