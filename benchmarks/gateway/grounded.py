"""Rows with everything on: retrieval, judge and log, with stored vectors and with the real encoder."""

from __future__ import annotations

import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import orjson

from benchmarks.gateway import corpus
from benchmarks.gateway.cells import Ask, Cell, cell, loop, rounds
from benchmarks.gateway.client import fetch, get
from benchmarks.gateway.engine import Script
from benchmarks.gateway.processes import ALL_CORES, SERVER_CORE, Server
from benchmarks.gateway.run import Run
from benchmarks.gateway.targets import Target, engine, plumbline, settings_file
from benchmarks.report import table
from text.encoder import Encoder

_STORED = "benchmarks.gateway.serving"


@dataclass(frozen=True)
class Asked:
    """Questions about an index, and the engine that answers them."""

    folder: Path
    questions: list[str]
    engine: Server
    answers: int

    def to(self, target: Target, first: int = 0, **fields: object) -> Ask:
        """Request number n asks a question, and always gets the same answer for it."""

        def ask(number: int) -> bytes:
            which = (first + number) % len(self.questions)
            messages = [{"role": "user", "content": self.questions[which]}]
            return target.chat(seed=which % self.answers, messages=messages, **fields)

        return ask


async def full(run: Run) -> str:
    """The full path without the encoder: processor time for each request."""
    async with AsyncExitStack() as stack:
        asked = await _asked(stack, run, delay=0.0)
        count = 40 if run.quick else 400
        asked.questions[count:] = []
        everything = await _stored(stack, asked, "retrieval, judge and log")
        unjudged = await _stored(stack, asked, "retrieval and log", judge={"enabled": False})
        targets = [everything, unjudged, Target("judge and log", everything.server)]
        asks = [
            asked.to(everything),
            asked.to(unjudged),
            asked.to(targets[2], plumbline={"retrieve": False}),
        ]
        served = [await _serve_all(t, ask, count) for t, ask in zip(targets, asks, strict=True)]
        before = await _misses(everything)
        cells = await rounds(targets, asks, 16, run.seconds, run.rounds)
        if await _misses(everything) != before:
            raise RuntimeError("texts were encoded while it was measured")
    rows = [
        [
            f"{target.name}, {chunks}" if "retrieval" in target.name else target.name,
            f"{cell.cpu_ms:.2f}",
            f"{1000 / cell.cpu_ms:.0f}",
            f"{cell.per_second:.0f}",
            f"{1000 * cell.seconds:.0f}",
            f"{100 * share:.0f} %",
            f"{cell.failed} of {cell.requests}",
        ]
        for target, cell, share in zip(targets, cells, served, strict=True)
        for chunks in [f"{_chunks(run):,} chunks"]
    ]
    header = [
        "16 at a time, vectors from memory",
        "CPU ms a request",
        "requests/s of a core",
        "requests/s seen",
        "p50 ms",
        "answers served",
        "failed",
    ]
    return table(header, rows)


async def concurrent(run: Run) -> str:
    """64 requests at a time against one at a time, with the real encoder, on all cores."""
    rows = []
    for delay in (0.0, 0.5):
        async with AsyncExitStack() as stack:
            asked = await _asked(stack, run, delay)
            settings = settings_file(
                asked.folder, asked.engine.port, index_dir=str(asked.folder / "index")
            )
            target = await stack.enter_async_context(plumbline(settings, cores=ALL_CORES))
            one, many = await _one_and_many(run, target, asked)
        rows.append(
            [
                f"{1000 * delay:.0f}",
                f"{one.per_second:.2f}",
                f"{many.per_second:.2f}",
                f"{many.per_second / one.per_second:.2f}",
                f"{one.cpu_ms:.0f}",
                f"{many.cpu_ms:.0f}",
                f"{one.failed + many.failed} of {one.requests + many.requests}",
            ]
        )
    header = [
        "engine's delay, ms",
        "requests/s, one at a time",
        "64 at a time",
        "ratio",
        "CPU ms a request, one",
        "64",
        "failed",
    ]
    return table(header, rows)


async def _one_and_many(run: Run, target: Target, asked: Asked) -> tuple[Cell, Cell]:
    """No question is asked twice, so that none is answered from what an earlier one left behind."""
    most = 16 if run.quick else 64
    await cell(target, asked.to(target), 4, 0.0, least=4)
    alone = await cell(target, asked.to(target, 10), 1, run.seconds, least=4)
    many = await cell(target, asked.to(target, 10 + alone.requests), most, 0.0, least=2 * most)
    return alone, many


async def _asked(stack: AsyncExitStack, run: Run, delay: float) -> Asked:
    """An index, its questions, and an engine that answers them."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    encoded = 40 if run.quick else 300
    questions = corpus.make(folder / "index", Encoder(), _chunks(run), encoded)
    texts = corpus.answers()
    upstream = await stack.enter_async_context(engine([Script(t, delay) for t in texts], folder))
    return Asked(folder, questions, upstream, len(texts))


async def _stored(stack: AsyncExitStack, asked: Asked, name: str, **sections: object) -> Target:
    folder = asked.folder / name.replace(" ", "-")
    folder.mkdir()
    index = str(asked.folder / "index")
    settings = settings_file(folder, asked.engine.port, index_dir=index, **sections)
    serving = plumbline(settings, name=name, module=_STORED, cores=SERVER_CORE)
    return await stack.enter_async_context(serving)


async def _serve_all(target: Target, ask: Ask, count: int) -> float:
    """Ask every question once, so that all vectors are there; the share of answers that were served."""
    answers, _ = await loop(target.server.port, ask, 4, 0.0, least=count)
    decisions = [orjson.loads(a.body)["plumbline"]["decision"] for a in answers if a.status == 200]
    return decisions.count("serve") / len(answers)


async def _misses(target: Target) -> int:
    return int((await fetch(target.server.port, get("/misses")))["misses"])


def _chunks(run: Run) -> int:
    return 2_000 if run.quick else 20_000
