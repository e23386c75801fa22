"""A model server that computes nothing: OpenAI's routes, with texts, delays and paces from a file.

    python -m benchmarks.gateway.engine --port 9001 --scripts scripts.json

Which script a request gets is its `seed`, modulo their number: a seed reaches the engine through any
gateway unchanged. `/stats` says when each seed's answer was complete, on the clock of time.monotonic,
which all processes of a machine share.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import click
import httptools
import orjson
import uvloop

MODEL = "engine"
# About what a byte-pair vocabulary makes of it: words with the space before them, single Han characters.
_TOKEN = re.compile(r" ?[A-Za-z0-9']+|\s|[^\sA-Za-z0-9']")


@dataclass(frozen=True)
class Script:
    """An answer; `delay` before its first token and `pace` between tokens, in seconds."""

    text: str
    delay: float = 0.0
    pace: float = 0.0


def tokens(text: str) -> list[str]:
    """The pieces in which a text is streamed; together they are the text."""
    return _TOKEN.findall(text)


def save(scripts: Sequence[Script], path: Path) -> None:
    """Write the file that the engine reads."""
    path.write_text(json.dumps([asdict(script) for script in scripts]), encoding="utf-8")


class Replies:
    """Ready-made bytes for each script."""

    def __init__(self, scripts: Sequence[Script]) -> None:
        self.scripts = scripts
        self.whole = lru_cache(maxsize=4096)(self._whole)
        self.frames = lru_cache(maxsize=4096)(self._frames)

    def _whole(self, number: int) -> bytes:
        text = self.scripts[number].text
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        return _json(_reply("chat.completion", [choice]) | {"usage": _usage(text)})

    def _frames(self, number: int, with_usage: bool) -> list[bytes]:
        text = self.scripts[number].text
        opening = {"role": "assistant", "content": ""}
        frames = [_frame(opening, None)]
        frames += [_frame({"content": token}, None) for token in tokens(text)]
        last = _frame({}, "stop")
        if with_usage:
            last += _event(_reply("chat.completion.chunk", []) | {"usage": _usage(text)})
        frames[0] = _STREAM_HEAD + frames[0] + frames.pop(1)
        return [*frames, last + _chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"]


class Protocol(asyncio.Protocol):
    """One connection: requests one after the other."""

    def __init__(self, replies: Replies, stats: dict[str, Any]) -> None:
        self._replies, self._stats = replies, stats
        self._parser = httptools.HttpRequestParser(self)
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._url, self._body = b"", b""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
            self._stats["aborted"] += 1

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._url, self._body = url, b""

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        if self._url.endswith(b"/chat/completions"):
            self._chat(orjson.loads(self._body))
        elif self._url.endswith(b"/models"):
            model = {"id": MODEL, "object": "model", "created": 0, "owned_by": "benchmarks"}
            self._write(_json({"object": "list", "data": [model | {"max_model_len": 8192}]}))
        else:
            self._write(_json(self._stats))

    def _chat(self, body: dict[str, Any]) -> None:
        self._stats["requests"] += 1
        seed = body.get("seed") or 0
        number = seed % len(self._replies.scripts)
        script = self._replies.scripts[number]
        if body.get("stream"):
            usage = bool((body.get("stream_options") or {}).get("include_usage"))
            frames = self._replies.frames(number, usage)
            self._later(self._loop.time() + script.delay, self._pump, frames, 0, script.pace, seed)
        else:
            due = self._loop.time() + script.delay
            self._later(due, self._finish, self._replies.whole(number), seed)

    def _pump(self, frames: list[bytes], at: int, pace: float, seed: int) -> None:
        if not pace:
            self._finish(b"".join(frames), seed)
        elif at == len(frames) - 1:
            self._finish(frames[at], seed)
        else:
            self._write(frames[at])
            due = self._due + pace  # on a schedule, so that no delay adds up
            self._later(due, self._pump, frames, at + 1, pace, seed)

    def _finish(self, data: bytes, seed: int) -> None:
        self._write(data)
        self._stats["finished"][str(seed)] = time.monotonic()

    def _later(self, due: float, call: Any, *args: Any) -> None:
        self._due = due
        self._timer = None
        if due <= self._loop.time():
            call(*args)
        else:
            self._timer = self._loop.call_at(due, self._run, call, args)

    def _run(self, call: Any, args: tuple[Any, ...]) -> None:
        self._timer = None
        call(*args)

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)


_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)


def _reply(kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": "chatcmpl-engine",
        "object": kind,
        "created": 1767225600,
        "model": MODEL,
        "choices": choices,
    }


def _usage(text: str) -> dict[str, int]:
    count = len(tokens(text))
    return {"prompt_tokens": 50, "completion_tokens": count, "total_tokens": 50 + count}


def _frame(delta: dict[str, str], finish: str | None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return _event(_reply("chat.completion.chunk", [choice]))


def _event(value: dict[str, Any]) -> bytes:
    return _chunk(b"data: " + orjson.dumps(value) + b"\n\n")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _json(value: dict[str, Any]) -> bytes:
    body = orjson.dumps(value)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return head % len(body) + body


async def _serve(port: int, scripts: list[Script]) -> None:
    stats: dict[str, Any] = {"requests": 0, "aborted": 0, "finished": {}}
    replies = Replies(scripts)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Protocol(replies, stats), "127.0.0.1", port, backlog=4096
    )
    await server.serve_forever()


@click.command()
@click.option("--port", type=int, required=True)
@click.option("--scripts", type=click.Path(path_type=Path, exists=True), required=True)
def main(port: int, scripts: Path) -> None:
    """Serve until killed."""
    found = [Script(**row) for row in json.loads(scripts.read_text(encoding="utf-8"))]
    uvloop.run(_serve(port, found))


if __name__ == "__main__":
    main()
