"""When an engine that died is started again, and when no more."""

from __future__ import annotations

import signal
from collections import deque
from dataclasses import dataclass

_FIRST_BACK_OFF, _LONGEST_BACK_OFF = 1.0, 30.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a start may take, and how many deaths within how many seconds are too many."""

    start_seconds: float = 900.0
    max_deaths: int = 5
    window_seconds: float = 600.0


class Deaths:
    """The deaths of one engine. Times are seconds of any clock that never goes back."""

    def __init__(self, patience: Patience) -> None:
        self.patience = patience
        self.in_all = 0
        self._recent: deque[float] = deque()

    def note(self, now: float) -> None:
        """It died."""
        self.in_all += 1
        self._recent.append(now)
        while self._recent[0] < now - self.patience.window_seconds:
            self._recent.popleft()

    @property
    def recent(self) -> int:
        """Deaths within the window."""
        return len(self._recent)

    @property
    def too_many(self) -> bool:
        """Is there no point in another start?"""
        return self.recent >= self.patience.max_deaths

    @property
    def back_off(self) -> float:
        """Seconds until the next start: 1, 2, 4 … 30."""
        return float(min(_LONGEST_BACK_OFF, _FIRST_BACK_OFF * 2 ** (self.recent - 1)))


def told(status: int) -> str:
    """What a status means; the keeper gives 128 + n for an engine that signal n ended."""
    number = -status if status < 0 else status - 128
    if number == signal.SIGKILL:
        return "killed, perhaps because memory ran out"
    return f"by signal {number}" if number > 0 else f"with status {status}"
