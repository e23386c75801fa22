"""Guarded streams: a server with the judge on, and what a client gets from it."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from benchmarks.gateway.client import Answer, Connection
from benchmarks.gateway.engine import Script, tokens
from benchmarks.gateway.processes import SERVER_CORE, Server
from benchmarks.gateway.targets import OFF, Target, engine, plumbline, settings_file

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE = 4
QUESTION = {"en": "Can you explain this to me in full?", "zh": "请你详细说明一下，好吗？"}


@dataclass(frozen=True)
class Seen:
    """What a client got: the text, and whether the stream was ended by the guard."""

    text: str
    blocked: bool


@asynccontextmanager
async def guarded(scripts: Sequence[Script]) -> AsyncIterator[tuple[Target, Server]]:
    """Plumbline with the judge and without retrieval, before an engine with these scripts."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with engine(scripts, folder) as upstream:
            # A guard that is too slow lets nothing out; on a busy machine that would look like a catch.
            judge = {"timeout_seconds": 60.0}
            settings = settings_file(folder, upstream.port, retrieval=OFF, judge=judge)
            async with plumbline(settings, cores=SERVER_CORE) as target:
                yield target, upstream


async def each(
    work: Callable[[T], Awaitable[R]], items: Sequence[T], at_once: int = AT_ONCE
) -> list[R]:
    """The results in order, `at_once` at a time."""
    gate = asyncio.Semaphore(at_once)

    async def one(item: T) -> R:
        async with gate:
            return await work(item)

    return list(await asyncio.gather(*map(one, items)))


def language_of(text: str) -> str:
    """The language of a case."""
    return "zh" if any("\u4e00" <= character <= "\u9fff" for character in text) else "en"


async def ask(target: Target, number: int, language: str) -> Answer:
    """One windowed stream of the engine's script with this number.

    Raises:
        RuntimeError: it broke off or was refused.
    """
    messages = [{"role": "user", "content": QUESTION[language]}]
    connection = Connection(target.server.port)
    answer = await connection.ask(target.chat(seed=number, messages=messages, stream=True))
    connection.close()
    if answer.status != 200 or not answer.whole:
        raise RuntimeError(f"a stream failed: {answer.status} {answer.body[:500]!r}")
    return answer


def seen_in(answer: Answer) -> Seen:
    """Content and ending of a stream.

    Raises:
        RuntimeError: the stream holds an error.
    """
    text, blocked = "", False
    for _, event in answer.events():
        if "error" in event:
            raise RuntimeError(f"a stream ended in an error: {event['error']}")
        for choice in event["choices"]:
            blocked |= choice["finish_reason"] == "content_filter"
            text += choice["delta"].get("content") or ""
    return Seen(text, blocked)


def ends_of(text: str) -> list[int]:
    """The offset behind each token."""
    found, at = [], 0
    for token in tokens(text):
        at += len(token)
        found.append(at)
    return found
