"""Closed loops against each target, in turns, and what they showed."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.gateway.client import Answer, Connection
from benchmarks.gateway.targets import Target

# The bytes of the request with a number.
Ask = Callable[[int], bytes]


@dataclass(frozen=True)
class Cell:
    """One closed loop: processor ms of the server for each request, requests a second, seconds to the
    first content and to the end (medians), and the requests that were not answered with a whole 200."""

    requests: int
    failed: int
    cpu_ms: float
    per_second: float
    first: float
    seconds: float
    resident_mb: float = 0.0


async def loop(
    port: int, ask: Ask, concurrency: int, seconds: float, least: int = 0
) -> tuple[list[Answer], float]:
    """`concurrency` connections ask one request after another, until the time is up and `least`
    requests were sent; the answers, and how long it took."""
    answers: list[Answer] = []
    begun = time.monotonic()
    sent = 0

    async def one() -> None:
        nonlocal sent
        connection = Connection(port)
        while time.monotonic() - begun < seconds or sent < least:
            sent += 1
            answers.append(await connection.ask(ask(sent - 1)))
        connection.close()

    await asyncio.gather(*(one() for _ in range(concurrency)))
    return answers, time.monotonic() - begun


async def cell(target: Target, ask: Ask, concurrency: int, seconds: float, least: int = 0) -> Cell:
    """Load a target, wait until it is idle again, and count."""
    before = target.server.cpu_seconds()
    answers, took = await loop(target.server.port, ask, concurrency, seconds, least)
    await target.server.idle()
    spent = target.server.cpu_seconds() - before
    good = [answer for answer in answers if answer.status == 200 and answer.whole]
    if not good:
        raise RuntimeError(
            f"{target.name} answered nothing: {answers[0].status} {answers[0].body!r}"
        )
    return Cell(
        requests=len(answers),
        failed=len(answers) - len(good),
        cpu_ms=1000 * spent / len(answers),
        per_second=len(answers) / took,
        first=statistics.median(a.first or a.seconds for a in good),
        seconds=statistics.median(a.seconds for a in good),
        resident_mb=target.server.resident_mb(),
    )


async def rounds(
    targets: Sequence[Target],
    asks: Sequence[Ask],
    concurrency: int,
    seconds: float,
    count: int,
) -> list[Cell]:
    """A warm-up of each target, then `count` rounds in which all take their turn in random order; the
    medians for each target."""
    for target, ask in zip(targets, asks, strict=True):
        await cell(target, ask, concurrency, min(seconds, 1.0))
    found: list[list[Cell]] = [[] for _ in targets]
    order = list(range(len(targets)))
    dealt = random.Random(1)
    for _ in range(count):
        dealt.shuffle(order)
        for number in order:
            found[number].append(await cell(targets[number], asks[number], concurrency, seconds))
    return [median(cells) for cells in found]


def median(cells: Sequence[Cell]) -> Cell:
    """Medians of each figure; requests and failures are summed."""

    def middle(value: Callable[[Cell], float]) -> float:
        return statistics.median(map(value, cells))

    return Cell(
        requests=sum(cell.requests for cell in cells),
        failed=sum(cell.failed for cell in cells),
        cpu_ms=middle(lambda cell: cell.cpu_ms),
        per_second=middle(lambda cell: cell.per_second),
        first=middle(lambda cell: cell.first),
        seconds=middle(lambda cell: cell.seconds),
        resident_mb=cells[-1].resident_mb,
    )
