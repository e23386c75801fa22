"""The row of several workers: does the gateway keep up with a slow engine and many requests?"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from benchmarks.gateway.cells import loop
from benchmarks.gateway.engine import Script
from benchmarks.gateway.passing import ANSWER, asking
from benchmarks.gateway.processes import ALL_CORES, ROOT
from benchmarks.gateway.run import Run
from benchmarks.gateway.targets import OFF, Target, engine, plumbline, settings_file
from benchmarks.report import table

_AT_ONCE, _DELAY = 64, 0.2


async def workers(run: Run) -> str:
    """Requests a second through one worker and several, and of the engine alone, in turns."""
    counts, said = [1, run.workers], ""
    if run.workers > 1 and not _has_workers():
        counts, said = [1], "\n\n`plumbline serve` has no --workers here; several were left out."
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        upstream = await stack.enter_async_context(engine([Script(ANSWER, _DELAY)], folder))
        targets = [Target("the engine alone", upstream)]
        for count in counts:
            own = folder / str(count)
            own.mkdir()
            settings = settings_file(own, upstream.port, retrieval=OFF, judge=OFF)
            name = f"Plumbline, {count} worker{'s' if count > 1 else ''}"
            arguments = ["--workers", str(count)] if count > 1 else []
            serving = plumbline(settings, name=name, arguments=arguments, cores=ALL_CORES)
            targets.append(await stack.enter_async_context(serving))
        rates = await _rates(run, targets)
    alone = statistics.median(rates[0])
    rows = [
        [
            target.name,
            f"{statistics.median(own):.0f}",
            f"{min(own):.0f} to {max(own):.0f}",
            f"{statistics.median(own) / alone:.3f}",
        ]
        for target, own in zip(targets, rates, strict=True)
    ]
    header = [f"{_AT_ONCE} at a time, engine of {1000 * _DELAY:.0f} ms", "requests/s, median"]
    return table([*header, "from to", "to the engine alone"], rows) + said


async def _rates(run: Run, targets: list[Target]) -> list[list[float]]:
    """Requests a second of each target in each round, whole 200s only."""
    rates: list[list[float]] = [[] for _ in targets]
    for number in range(1 + run.rounds):
        for target, own in zip(targets, rates, strict=True):
            # Whole waves, so that no round ends with connections that have nothing to do.
            least = _AT_ONCE * max(1, round(run.seconds / _DELAY))
            ask = asking(target, 0)
            answers, took = await loop(target.server.port, ask, _AT_ONCE, 0.0, least)
            if number:
                own.append(sum(a.status == 200 and a.whole for a in answers) / took)
    return rates


def _has_workers() -> bool:
    command = [sys.executable, "-m", "plumbline", "serve", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return "--workers" in done.stdout
