"""The row of endurance: mixed load near capacity, callers that hang up, an engine that dies and returns.

Everything is on, the encoder too. At the end each request must stand in the log, each id that a client
got must be there, and each reply must have had a status that fits what happened.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import click
import orjson

from benchmarks.gateway import corpus
from benchmarks.gateway.cells import loop
from benchmarks.gateway.client import Answer, Connection
from benchmarks.gateway.engine import Script
from benchmarks.gateway.mortal import MortalEngine
from benchmarks.gateway.processes import stop
from benchmarks.gateway.run import Run
from benchmarks.gateway.targets import Target, plumbline, settings_file
from benchmarks.report import table
from text.encoder import Encoder

_CHUNKS, _ENCODED = 2_000, 40
_SHARE, _DELAY, _PACE = 0.8, 0.1, 0.002
_OUTAGE_EVERY, _OUTAGE = 45.0, 1.0
# A reply counts as touched by an outage if it was under way this long before or after one.
_NEAR = 2.0
# Longer than any setting of the server lets a turn take.
_GIVE_UP = 120.0
_KINDS = {"whole": 40, "stream": 20, "windowed": 25, "hung up": 8, "stream hung up": 7}
_UNREACHABLE = 503


@dataclass
class Sent:
    """A request with a number, and what became of it."""

    number: int
    kind: str
    answer: Answer | None = None
    ended: float = 0.0


@dataclass
class Load:
    """Requests of all kinds at a steady rate."""

    target: Target
    questions: list[str]
    sent: list[Sent] = field(default_factory=list)
    _free: list[Connection] = field(default_factory=list)
    _random: random.Random = field(default_factory=lambda: random.Random(3))

    def request(self, number: int, kind: str) -> bytes:
        """The bytes of a request; its number stands in the log as its person."""
        question = self.questions[number % len(self.questions)]
        messages = [{"role": "user", "content": question}]
        streamed = kind not in ("whole", "hung up")
        mode = "windowed" if kind == "windowed" else "verified"
        options = {"plumbline": {"stream_mode": mode}} if streamed else {}
        return self.target.chat(
            seed=number, messages=messages, stream=streamed, user=f"soak-{number}", **options
        )

    async def run(self, per_second: float, seconds: float) -> None:
        """Send on schedule, whatever the server does; return when all have ended."""
        begun, tasks = time.monotonic(), []
        for number in range(int(per_second * seconds)):
            await asyncio.sleep(max(0.0, begun + number / per_second - time.monotonic()))
            kind = self._random.choices(list(_KINDS), list(_KINDS.values()))[0]
            one = Sent(number, kind)
            self.sent.append(one)
            tasks.append(asyncio.create_task(self._send(one)))
        await asyncio.gather(*tasks)

    async def _send(self, one: Sent) -> None:
        """A request that hangs is given up, and counts as wrong for want of an answer."""
        with suppress(TimeoutError):
            one.answer = await asyncio.wait_for(self._ask(one), _GIVE_UP)
        one.ended = time.monotonic()

    async def _ask(self, one: Sent) -> Answer:
        request = self.request(one.number, one.kind)
        connection = self._free.pop() if self._free else Connection(self.target.server.port)
        if one.kind == "stream hung up":
            return await connection.ask(request, until=lambda answer: True)
        if one.kind == "hung up":
            asking = asyncio.create_task(connection.ask(request))
            await asyncio.sleep(self._random.uniform(0.05, 0.3))
            connection.close()
            return await asking
        answer = await connection.ask(request)
        self._free.append(connection)
        return answer


async def soak(run: Run) -> str:
    """Memory minute by minute, and everything that was lost or wrong."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        index = folder / "index"
        questions = corpus.make(index, Encoder(), _CHUNKS, _ENCODED)
        scripts = [Script(text, _DELAY, _PACE) for text in corpus.answers()]
        upstream = MortalEngine(scripts, folder, _OUTAGE_EVERY, _OUTAGE)
        stack.callback(upstream.stop)
        await upstream.start()
        settings = settings_file(folder, upstream.port, index_dir=str(index))
        async with plumbline(settings) as target:
            load = Load(target, questions)
            capacity = await _capacity(load, run)
            restarts = asyncio.create_task(upstream.die_now_and_then())
            memory = asyncio.create_task(_memory(target, run))
            await load.run(_SHARE * capacity, 60 * run.minutes)
            restarts.cancel()
            memory.cancel()
            await target.server.idle()
            sizes = [*await _finished(memory), target.server.resident_mb()]
            stop(target.server.process)
        logged = _logged(folder / "log.sqlite")
    return _report(load, upstream, capacity, sizes, logged)


async def _capacity(load: Load, run: Run) -> float:
    """Requests a second of a mixture of whole and streamed answers, 8 at a time."""
    kinds = ("whole", "stream", "windowed")
    port = load.target.server.port

    def ask(number: int) -> bytes:
        return load.request(1_000_000 + number, kinds[number % 3])

    await loop(port, ask, 4, 0.0, least=12)
    answers, took = await loop(port, ask, 8, 2.0 if run.quick else 20.0)
    return len(answers) / took


async def _memory(target: Target, run: Run) -> list[float]:
    """Resident MB at the start and after each minute, until cancelled."""
    sizes = [target.server.resident_mb()]
    with suppress(asyncio.CancelledError):
        while True:
            await asyncio.sleep(60)
            sizes.append(target.server.resident_mb())
            click.echo(f"after {len(sizes) - 1} min: {sizes[-1]:.0f} MB", err=True)
    return sizes


async def _finished(task: asyncio.Task[list[float]]) -> list[float]:
    return await task


def _logged(path: Path) -> Mapping[str, tuple[str, str]]:
    """Id and decision of each row, by person."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as log:
        rows = log.execute("SELECT person, id, decision FROM completion").fetchall()
    return {person: (row_id, decision) for person, row_id, decision in rows}


def _report(
    load: Load,
    upstream: MortalEngine,
    capacity: float,
    sizes: list[float],
    logged: Mapping[str, tuple[str, str]],
) -> str:
    ids = {row_id for row_id, _ in logged.values()}
    got = [(one, _id_of(one.answer)) for one in load.sent if one.answer is not None]
    lost = [name for _, name in got if name is not None and name not in ids]
    absent = [one for one in load.sent if f"soak-{one.number}" not in logged]
    wrong = [one for one in load.sent if not _fits(one, upstream.outages)]
    for one in (*wrong[:5], *absent[:5]):
        body = one.answer.body[-200:] if one.answer else b""
        click.echo(f"look at {one.number}, {one.kind}: {body!r}", err=True)
    seconds = [o.answer.seconds for o in load.sent if o.kind == "whole" and o.answer is not None]
    kinds = Counter(one.kind for one in load.sent)
    statuses = Counter(one.answer.status for one in load.sent if one.answer is not None)
    rows: list[list[object]] = [
        ["requests", f"{len(load.sent)}: " + ", ".join(f"{n} {k}" for k, n in kinds.items())],
        ["requests/s, of a capacity of", f"{_SHARE * capacity:.1f} of {capacity:.1f}"],
        ["restarts of the engine", len(upstream.outages)],
        ["statuses (0: hung up before one came)", str(dict(sorted(statuses.items())))],
        ["ids that clients got and the log lacks", len(lost)],
        ["requests without a row in the log", len(absent)],
        ["replies that do not fit what happened", len(wrong)],
        ["p50 and p99 of whole replies, ms", _latency(seconds)],
        ["resident MB at the start, after each minute, at the end", _sizes(sizes)],
    ]
    return table(["", ""], rows)


def _fits(one: Sent, outages: list[tuple[float, float]]) -> bool:
    """A whole 200; or the engine was away; or the caller had hung up."""
    answer = one.answer
    if answer is None:
        return False
    near = any(a - _NEAR < one.ended and answer.sent < b + _NEAR for a, b in outages)
    if answer.status == _UNREACHABLE:
        return near
    if one.kind in ("hung up", "stream hung up"):
        return answer.status in (0, 200)
    if answer.status != 200 or not answer.whole:
        return False
    if one.kind == "whole" or answer.body.endswith(b"data: [DONE]\n\n"):
        return True
    return near and b'"error"' in answer.body


def _id_of(answer: Answer) -> str | None:
    """The id of a completion in a reply or in the first event of a stream."""
    if answer.status != 200:
        return None
    if answer.body.startswith(b"{"):
        return str(orjson.loads(answer.body)["id"]) if answer.whole else None
    found = (event.get("id") for _, event in answer.events())
    return next((str(name) for name in found if name), None)


def _latency(seconds: list[float]) -> str:
    if len(seconds) < 2:
        return "too few"
    cuts = statistics.quantiles(seconds, n=100)
    return f"{1000 * cuts[49]:.0f} and {1000 * cuts[98]:.0f}"


def _sizes(sizes: list[float]) -> str:
    return ", ".join(f"{size:.0f}" for size in sizes)
