"""Rows without retrieval and judge: what the gateway itself costs, beside others' gateways."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from benchmarks.gateway.cells import Ask, Cell, rounds
from benchmarks.gateway.engine import Script
from benchmarks.gateway.peers import BARE, passing
from benchmarks.gateway.run import Run
from benchmarks.gateway.targets import OFF, Target, engine, settings_file
from benchmarks.report import table

_WORDS = (
    "The service forwards each request to the model server and returns what it answers, with the "
    "sources that were found for it. "
)
ANSWER = (_WORDS * 5).strip()
WHOLE, STREAMED = 0, 1
SCRIPTS = [Script(ANSWER), Script(ANSWER, delay=0.02, pace=0.002)]


async def passthrough(run: Run) -> str:
    """Processor time for each request at concurrency 16."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        upstream = await stack.enter_async_context(engine(SCRIPTS, folder))
        settings = settings_file(folder, upstream.port, retrieval=OFF, judge=OFF)
        targets = await stack.enter_async_context(passing(settings, upstream.port, run.pythons))
        asks = [asking(target, WHOLE) for target in targets]
        cells = await rounds(targets, asks, 16, run.seconds, run.rounds)
    yard = _of(BARE, targets, cells).cpu_ms
    rows = [
        [
            target.name,
            f"{cell.cpu_ms:.2f}",
            f"{cell.cpu_ms / yard:.2f}",
            f"{cell.per_second:.0f}",
            f"{cell.resident_mb:.0f}",
            f"{cell.failed} of {cell.requests}",
        ]
        for target, cell in zip(targets, cells, strict=True)
    ]
    header = ["gateway, 16 at a time", "CPU ms a request", f"to the {BARE}", "requests/s", "MB"]
    return table([*header, "failed"], rows)


async def stream(run: Run) -> str:
    """What is added to the engine's own latency at concurrency 1, whole replies and streams."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        upstream = await stack.enter_async_context(engine(SCRIPTS, folder))
        settings = settings_file(folder, upstream.port, retrieval=OFF, judge=OFF)
        targets = await stack.enter_async_context(passing(settings, upstream.port, run.pythons))
        targets = [Target("engine", upstream), *targets]
        whole = [asking(target, WHOLE) for target in targets]
        streamed = [asking(target, STREAMED, stream=True) for target in targets]
        plain = await rounds(targets, whole, 1, run.seconds, run.rounds)
        paced = await rounds(targets, streamed, 1, run.seconds, run.rounds)
    direct, direct_paced = plain[0], paced[0]
    bare = _of(BARE, targets, plain).seconds - direct.seconds
    bare_first = _of(BARE, targets, paced).first - direct_paced.first
    rows = [
        [
            target.name,
            f"{1000 * (cell.seconds - direct.seconds):.2f}",
            f"{(cell.seconds - direct.seconds) / bare:.2f}",
            f"{1000 * (slow.first - direct_paced.first):.2f}",
            f"{(slow.first - direct_paced.first) / bare_first:.2f}",
            f"{1000 * (slow.seconds - direct_paced.seconds):.1f}",
            f"{slow.cpu_ms:.1f}",
            f"{cell.failed + slow.failed} of {cell.requests + slow.requests}",
        ]
        for target, cell, slow in list(zip(targets, plain, paced, strict=True))[1:]
    ]
    header = [
        "gateway, 1 at a time",
        "added p50 ms",
        f"to the {BARE}",
        "added ms to the first token",
        f"to the {BARE}",
        "added ms to the end of a stream",
        "CPU ms a stream",
        "failed",
    ]
    return table(header, rows)


def asking(target: Target, seed: int, **fields: Any) -> Ask:
    """The same request each time."""
    request = target.chat(seed=seed, **fields)
    return lambda number: request


def _of(name: str, targets: Sequence[Target], cells: Sequence[Cell]) -> Cell:
    return next(cell for target, cell in zip(targets, cells, strict=True) if target.name == name)
