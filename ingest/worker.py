"""Files are read in processes of their own, so that no file can stop, hang or crash a run.

A parser is the one part of an ingest that meets bytes nobody has seen before. Each worker reads one
file at a time within bounds of time and memory; a worker that breaks them is replaced, its file is
reported as failed, and nothing of what it had half read gets out. Workers are started anew, never
forked: a process that holds torch can't be copied safely.

Both directions of a worker's pipes carry frames: eight bytes of length, then JSON. `python -m
ingest.worker` is the worker's end.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from types import TracebackType
from typing import BinaryIO

import orjson

from ingest.process import LENGTH, Bounds, Job, Worker
from ingest.reading import MAX_FILE_BYTES, OUT_OF_MEMORY, Reading, load_file

__all__ = ["Readers", "Reading", "load_file"]

# Files read ahead of the one that is wanted next, for each worker.
_AHEAD = 4

# <linux/prctl.h>: the signal that a process gets when its parent dies.
_PR_SET_PDEATHSIG = 1


class Readers:
    """Worker processes that read files.

    Args:
        workers: how many at most; they are started as files come.
        seconds: a file that takes longer fails.
        memory_bytes: a file that needs more fails. It bounds the private memory of a worker, not its
            address space, of which some libraries reserve far more than they use.
        max_file_bytes: larger files are not read.
    """

    def __init__(
        self,
        workers: int = 2,
        seconds: float = 60,
        memory_bytes: int = 2 * 2**30,
        max_file_bytes: int = MAX_FILE_BYTES,
    ) -> None:
        self._bounds = Bounds(seconds, memory_bytes, max_file_bytes)
        self._limit = workers
        self._workers: list[Worker] = []
        self._selector = DefaultSelector()

    def __enter__(self) -> Readers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for worker in list(self._workers):
            self._discard(worker)
        self._selector.close()

    def read(self, locations: Iterable[Path]) -> Iterator[Reading]:
        """Read files, in the order given, a few ahead of the one that is asked for.

        A file whose worker crashed or ran out of memory is tried once more in a fresh worker, where
        no file before it can be to blame. One call at a time: finish it or drop it.

        Raises:
            ConfigurationError: a worker can't start.
        """
        run = _Run(locations)
        try:
            while True:
                self._feed(run)
                if run.wanted in run.done:
                    yield run.done.pop(run.wanted)
                    run.wanted += 1
                elif self._busy():
                    self._collect(run)
                else:
                    return
        finally:
            for worker in self._busy():
                self._discard(worker)

    def _busy(self) -> list[Worker]:
        return [worker for worker in self._workers if worker.job]

    def _feed(self, run: _Run) -> None:
        while len(self._busy()) < self._limit:
            job = run.next_job(_AHEAD * self._limit)
            if job is None:
                return
            worker = next((worker for worker in self._workers if not worker.job), None)
            (worker or self._start()).give(job)

    def _start(self) -> Worker:
        worker = Worker(self._bounds)
        self._workers.append(worker)
        self._selector.register(worker, EVENT_READ, worker)
        return worker

    def _discard(self, worker: Worker) -> None:
        self._workers.remove(worker)
        self._selector.unregister(worker)
        worker.stop()

    def _collect(self, run: _Run) -> None:
        """Wait for answers and deadlines, and take what there is."""
        deadlines = [d for worker in self._workers if (d := worker.deadline()) is not None]
        wait = max(0.0, min(deadlines) - time.monotonic()) if deadlines else None
        for key, _ in self._selector.select(wait):
            self._take(key.data, run)
        for worker in self._busy():
            deadline = worker.deadline()
            if deadline is not None and time.monotonic() >= deadline:
                run.finish(worker, worker.late())
                self._discard(worker)

    def _take(self, worker: Worker, run: _Run) -> None:
        job = worker.job
        try:
            answer = worker.answer()
        except EOFError:
            if job:
                run.settle(worker, worker.crashed())
            self._discard(worker)
            return
        if answer is None or job is None:
            return
        if answer["reason"] == OUT_OF_MEMORY:
            run.settle(worker, worker.out_of_memory())
            self._discard(worker)
        else:
            run.finish(worker, Reading.from_wire(job.location, answer))


class _Run:
    """Where one call of `Readers.read` stands."""

    def __init__(self, locations: Iterable[Path]) -> None:
        self._todo = (Job(number, location) for number, location in enumerate(locations))
        self._again: deque[Job] = deque()
        self._given = 0
        self.wanted = 0
        self.done: dict[int, Reading] = {}

    def next_job(self, ahead: int) -> Job | None:
        """The next file to read, None while `ahead` of them wait to be taken."""
        if self._again:
            return self._again.popleft()
        if self._given - self.wanted >= ahead:
            return None
        job = next(self._todo, None)
        self._given += job is not None
        return job

    def finish(self, worker: Worker, reading: Reading) -> None:
        """The worker's file is done."""
        assert worker.job
        self.done[worker.job.number] = reading
        worker.job = None

    def settle(self, worker: Worker, reading: Reading) -> None:
        """The worker's file failed; unless the worker was fresh, that is not yet certain."""
        assert worker.job
        if worker.fresh:
            self.finish(worker, reading)
        else:
            self._again.append(worker.job)
            worker.job = None


def main(parent: int, bounds: Bounds) -> None:
    """Read files as they are asked for on standard input, until it ends."""
    _confine(parent, bounds)
    asked = sys.stdin.buffer
    # What libraries print must not get between the frames.
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    _send(answers, b"{}")
    os.dup2(nowhere, 2)
    while head := asked.read(LENGTH.size):
        (length,) = LENGTH.unpack(head)
        _bound_time(bounds.seconds)
        location = Path(json.loads(asked.read(length)))
        try:
            answer = orjson.dumps(load_file(location, max_bytes=bounds.file_bytes).to_wire())
        except MemoryError:
            answer = orjson.dumps(Reading(location, "", None, "failed", OUT_OF_MEMORY).to_wire())
        _send(answers, answer)


def _send(answers: BinaryIO, frame: bytes) -> None:
    answers.write(LENGTH.pack(len(frame)))
    answers.write(frame)
    answers.flush()


def _confine(parent: int, bounds: Bounds) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is the parent's to answer
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (bounds.memory_bytes, bounds.memory_bytes))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("The process that started this worker is gone.")


def _bound_time(seconds: float) -> None:
    """Should the parent be too busy to look at the clock: processor time of this file, all cores."""
    used = time.process_time()
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    bound = int(used + seconds * (os.cpu_count() or 1)) + 2
    resource.setrlimit(resource.RLIMIT_CPU, (bound, hard))


if __name__ == "__main__":
    main(int(sys.argv[1]), Bounds(float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
