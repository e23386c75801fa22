"""Micro-batching: what waits while the compute thread is busy is encoded together when its turn comes.

Nothing is delayed in order to be batched: alone, an item is worked on at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Generic, TypeVar

Item = TypeVar("Item")
Prepared = TypeVar("Prepared")
Result = TypeVar("Result")

# Items that share one preparation. The first result of a batch waits for the preparation of all.
MOST = 16

_log = logging.getLogger(__name__)


class Batches(Generic[Item, Prepared, Result]):
    """Prepares items together and works on them one by one, on the thread of an executor.

    Args:
        prepare: one value for each item, made together. Where it raises, each item is prepared alone.
        work: the result of one item.
    """

    def __init__(
        self,
        executor: Executor,
        prepare: Callable[[Sequence[Item]], Sequence[Prepared]],
        work: Callable[[Item, Prepared], Result],
    ) -> None:
        self._executor = executor
        self._prepare = prepare
        self._work = work
        self._waiting: deque[_Place[Item, Result]] = deque()

    async def submit(self, item: Item, limit_seconds: float | None = None) -> Result:
        """The result for an item.

        The limit counts from the moment the work on its batch begins: waiting for one's turn under load
        is no reason to give up.

        Raises:
            TimeoutError: the work took longer than the limit.
            Exception: whatever `prepare` or `work` raised for this item.
        """
        place = _Place[Item, Result](item, asyncio.get_running_loop())
        self._waiting.append(place)
        self._executor.submit(self._next)
        try:
            await place.begun.wait()
            return await asyncio.wait_for(place.result, limit_seconds)
        finally:
            place.abandoned = True

    def _next(self) -> None:
        """Work on what waits. Each submission asks for this once, so later calls may find nothing."""
        batch: list[_Place[Item, Result]] = []
        while self._waiting and len(batch) < MOST:
            place = self._waiting.popleft()
            if not place.abandoned:
                batch.append(place)
        if not batch:
            return
        for place in batch:
            place.begin()
        self._work_on(batch)

    def _work_on(self, batch: Sequence[_Place[Item, Result]]) -> None:
        try:
            prepared = list(self._prepare([place.item for place in batch]))
        except Exception as error:
            if len(batch) == 1:
                batch[0].fail(error)
                return
            _log.warning("a batch is prepared one by one: %s", type(error).__name__)
            for place in batch:
                self._work_on([place])
            return
        for place, value in zip(batch, prepared, strict=True):
            self._finish(place, value)

    def _finish(self, place: _Place[Item, Result], value: Prepared) -> None:
        if place.abandoned:
            return
        try:
            result = self._work(place.item, value)
        except Exception as error:
            place.fail(error)
        else:
            place.succeed(result)


class _Place(Generic[Item, Result]):
    """An item that waits, and where its result goes."""

    def __init__(self, item: Item, loop: asyncio.AbstractEventLoop) -> None:
        self.item = item
        self.begun = asyncio.Event()
        self.result: asyncio.Future[Result] = loop.create_future()
        self.abandoned = False
        self._loop = loop

    def begin(self) -> None:
        self._loop.call_soon_threadsafe(self.begun.set)

    def succeed(self, result: Result) -> None:
        self._loop.call_soon_threadsafe(self._settle, self.result.set_result, result)

    def fail(self, error: Exception) -> None:
        self._loop.call_soon_threadsafe(self._settle, self.result.set_exception, error)

    def _settle(self, setter: Callable[..., None], value: object) -> None:
        if not self.result.done():
            setter(value)
