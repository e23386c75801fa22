"""The client of an OpenAI-style model server (vLLM, llama.cpp, Ollama, a hosted model).

httpx's API on aiohttp's transport: about a third of the CPU of httpx's own (docs/benchmarks.md).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import httpx
import orjson
from httpx_aiohttp import AiohttpTransport

from contract.errors import (
    ContextTooLong,
    PolicyNotServed,
    PolicyTooSlow,
    PolicyUnavailable,
    PolicyUnreachable,
    RequestRejected,
)

# Statuses by which a server says that the request, not the server, is at fault.
_CALLER_AT_FAULT = frozenset({400, 413, 422})


class ChatServer(Protocol):
    """What answers chat completions: one server (`ModelServer`) or several (`contract.replicas`)."""

    @property
    def url(self) -> str:
        """Where it is, for messages."""

    async def chat(self, body: Mapping[str, Any], *, affinity: str | None = None) -> dict[str, Any]:
        """One non-streaming chat completion. Requests with the same `affinity` share a prefix cache."""

    def stream(
        self, body: Mapping[str, Any], *, affinity: str | None = None
    ) -> AsyncGenerator[dict[str, Any]]:
        """The chunks of one streamed chat completion; closing the iterator stops the generation."""

    async def models(self) -> list[dict[str, Any]]:
        """The models that are served."""

    async def close(self) -> None:
        """Close all connections."""


class ModelServer:
    """One base URL, such as `http://127.0.0.1:8001/v1`."""

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        timeout_seconds: float = 60.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
        self._client = httpx.AsyncClient(
            headers=headers,
            timeout=httpx.Timeout(timeout_seconds, connect=5.0),
            transport=transport or AiohttpTransport(),
            trust_env=False,
        )

    async def chat(self, body: Mapping[str, Any], *, affinity: str | None = None) -> dict[str, Any]:
        """POST one non-streaming chat completion and return the reply.

        Raises:
            PolicyUnavailable: no connection, a time-out, a 5xx, or a reply that is not JSON.
            ContextTooLong: the server says that the prompt is too long.
            RequestRejected: the server refuses the request for another reason.
        """
        return await self._send("POST", "/chat/completions", body)

    async def stream(
        self, body: Mapping[str, Any], *, affinity: str | None = None
    ) -> AsyncGenerator[dict[str, Any]]:
        """POST one chat completion with `stream: true` and yield its chunks.

        Whoever stops early must close the iterator: that closes the connection, and the server stops
        generating.

        Raises:
            PolicyUnavailable: as `chat`; also where the stream breaks off before its end.
            ContextTooLong, RequestRejected: as `chat`, before the first chunk.
        """
        headers = {"content-type": "application/json", "accept": "text/event-stream"}
        content = orjson.dumps({**body, "stream": True})
        url = self.url + "/chat/completions"
        broken = PolicyUnreachable(
            f"The policy server {self.url} broke off in the middle of an answer."
        )
        begun = False
        try:
            with self._reaching():
                async with self._client.stream(
                    "POST", url, content=content, headers=headers
                ) as response:
                    if not response.is_success:
                        await response.aread()
                        self._read(response)
                    async for line in response.aiter_lines():
                        if not line.startswith("data:"):
                            continue
                        data = line[5:].strip()
                        if data == "[DONE]":
                            return
                        chunk = self._chunk(data)
                        begun = True
                        yield chunk
        except PolicyUnreachable as error:
            raise (broken if begun else error) from error.__cause__
        raise broken

    async def models(self) -> list[dict[str, Any]]:
        """The models that the server lists."""
        reply = await self._send("GET", "/models", None)
        return [model for model in reply.get("data", []) if isinstance(model, dict)]

    async def check(self, timeout_seconds: float) -> None:
        """Return when the server answers at all; one that lists no models may still chat.

        Raises:
            PolicyUnavailable: no connection, no answer in time, or a 5xx.
        """
        with self._reaching():
            response = await self._client.get(self.url + "/models", timeout=timeout_seconds)
        if response.is_server_error:
            self._read(response)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _send(self, method: str, path: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
        content = None if body is None else orjson.dumps(body)
        with self._reaching():
            response = await self._client.request(
                method,
                self.url + path,
                content=content,
                headers={"content-type": "application/json"} if content else None,
            )
        return self._read(response)

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        """Turn the client's errors into ours."""
        try:
            yield
        except (httpx.ReadTimeout, httpx.WriteTimeout, httpx.PoolTimeout) as error:
            raise PolicyTooSlow(f"The policy server {self.url} did not answer in time.") from error
        except httpx.HTTPError as error:
            raise PolicyUnreachable(
                f"The policy server {self.url} can't be reached ({type(error).__name__}). "
                "Is it running?"
            ) from error

    def _chunk(self, data: str) -> dict[str, Any]:
        chunk = parse_reply(data.encode())
        if chunk is None:
            raise PolicyUnavailable(f"The policy server {self.url} streamed something not JSON.")
        if "error" in chunk:
            detail, _ = error_of(chunk)
            raise PolicyUnavailable(f"The policy server {self.url} failed in its answer: {detail}")
        return chunk

    def _read(self, response: httpx.Response) -> dict[str, Any]:
        reply = parse_reply(response.content)
        if response.is_success and reply is not None:
            return reply
        detail, code = error_of(reply)
        if response.status_code in _CALLER_AT_FAULT:
            if code == ContextTooLong.code:
                raise ContextTooLong(f"The policy server refused the prompt: {detail}")
            raise RequestRejected(f"The policy server refused the request: {detail}")
        if response.is_success:
            raise PolicyUnavailable(f"The policy server {self.url} answered something not JSON.")
        kind = PolicyNotServed if response.status_code == 404 else PolicyUnavailable
        raise kind(
            f"The policy server {self.url} answered with status {response.status_code}: {detail}"
        )


def parse_reply(content: bytes) -> dict[str, Any] | None:
    """A JSON object, or None where it is none."""
    try:
        reply = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    return reply if isinstance(reply, dict) else None


def error_of(reply: dict[str, Any] | None) -> tuple[str, str]:
    """Message and code of a server's error, whichever of the usual shapes it has."""
    error = (reply or {}).get("error")
    if isinstance(error, dict):
        return str(error.get("message", "no reason given"))[:500], str(error.get("code", ""))
    return str(error or (reply or {}).get("detail", "no reason given"))[:500], ""
