"""Micro-batching across requests."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from server.batches import MOST, Batches


class Work:
    """Doubles numbers; remembers what was prepared together. A number below zero can't be prepared, one
    above a thousand can't be worked on."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.together: list[list[int]] = []
        self.gate = threading.Event()
        self._seconds = seconds
        self.batches = Batches[int, int, int](ThreadPoolExecutor(1), self._prepare, self._double)

    def _prepare(self, items: Sequence[int]) -> list[int]:
        self.gate.wait(5)
        if any(item < 0 for item in items):
            raise ValueError("negative")
        self.together.append(list(items))
        return [item + item for item in items]

    def _double(self, item: int, prepared: int) -> int:
        time.sleep(self._seconds)
        if item > 1000:
            raise KeyError(item)
        return prepared


def run(work: Work, items: list[int], limit: float | None = None) -> list[object]:
    async def all_at_once() -> list[object]:
        first = asyncio.create_task(work.batches.submit(items[0], limit))
        await asyncio.sleep(0.05)
        others = [asyncio.create_task(work.batches.submit(item, limit)) for item in items[1:]]
        await asyncio.sleep(0.05)
        work.gate.set()
        return list(await asyncio.gather(first, *others, return_exceptions=True))

    return asyncio.run(all_at_once())


def test_what_waits_is_prepared_together_and_each_gets_its_own_result() -> None:
    work = Work()
    assert run(work, [1, 2, 3, 4]) == [2, 4, 6, 8]
    assert work.together == [[1], [2, 3, 4]]


def test_a_batch_has_a_bound() -> None:
    work = Work()
    assert run(work, list(range(1, MOST + 10))) == [2 * n for n in range(1, MOST + 10)]
    assert max(len(batch) for batch in work.together) == MOST


def test_one_bad_item_spoils_no_other() -> None:
    found = run(Work(), [1, -2, 3, 2000, 5])
    assert (found[0], found[2], found[4]) == (2, 6, 10)
    assert isinstance(found[1], ValueError)
    assert isinstance(found[3], KeyError)


def test_waiting_for_ones_turn_does_not_count_as_working() -> None:
    assert run(Work(seconds=0.1), [1, 2, 3, 4, 5, 6], limit=0.8) == [2, 4, 6, 8, 10, 12]


def test_work_that_takes_too_long_is_given_up() -> None:
    (found,) = run(Work(seconds=0.5), [1], limit=0.05)
    assert isinstance(found, TimeoutError)


def test_nobody_works_for_a_caller_who_has_gone() -> None:
    work = Work()

    async def leave() -> None:
        first = asyncio.create_task(work.batches.submit(1))
        await asyncio.sleep(0.05)
        gone = asyncio.create_task(work.batches.submit(2))
        await asyncio.sleep(0.05)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        work.gate.set()
        await first
        assert await work.batches.submit(3) == 6

    asyncio.run(leave())
    assert work.together == [[1], [3]]


def test_an_encoder_that_breaks_fails_only_those_who_need_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    work = Work()
    assert isinstance(run(work, [-1])[0], ValueError)
    assert asyncio.run(work.batches.submit(4)) == 8
