"""Questions that keep coming while a policy is promoted: was any of them dropped, and who answered first?"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from itertools import count
from types import TracebackType
from typing import Self

import httpx

from benchmarks.flywheel.service import Service

_THREADS = 2
_WAIT_SECONDS = 120.0


class Asking:
    """Asks from several threads until it is left.

    Attributes:
        failed: requests that got no answer.
    """

    def __init__(self, service: Service, questions: Sequence[str]) -> None:
        self._service = service
        self._questions = questions
        self._numbers = count()
        self._stop = threading.Event()
        self._answers: list[tuple[float, str]] = []
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(_THREADS)]
        self.failed = 0

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        while not self._answers and not self.failed:
            time.sleep(0.05)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def version(self) -> str:
        """The version that answered last."""
        return self._answers[-1][1]

    def first_change(self) -> tuple[str, float]:
        """The version that answers now and did not at the beginning, and when it first did.

        Raises:
            RuntimeError: none came.
        """
        deadline = time.monotonic() + _WAIT_SECONDS
        while time.monotonic() < deadline:
            answers = list(self._answers)
            for when, version in answers:
                if version != answers[0][1]:
                    return version, when
            time.sleep(0.05)
        raise RuntimeError("the promoted policy answered nothing")

    def _ask(self) -> None:
        while not self._stop.is_set():
            number = next(self._numbers)
            question = self._questions[number % len(self._questions)]
            try:
                (answer,) = self._service.ask([(f"passer-by-{number}", question)], lambda *_: None)
            except httpx.HTTPError:
                self.failed += 1
            else:
                self._answers.append((time.monotonic(), answer.policy_version))
