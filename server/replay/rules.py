"""What judges and what decides: one side of a replay."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from contract.settings import JudgeSettings, Settings
from contract.verdict import Verdict
from rbrm.answer import Question
from rbrm.assembly import build_judge
from rbrm.judge import Draft, Encoded, Judge
from rbrm.rubric import load_rubric
from text.encoder import Encoder

_REWARD = ("reward_model", "reward_url", "reward_mean", "reward_deviation")


class TimedJudge(Judge):
    """A judge that knows how long it has judged, in seconds."""

    seconds = 0.0

    @classmethod
    def of(cls, judge: Judge) -> TimedJudge:
        """The same judge, with a clock."""
        timed = cls(judge.rubric, judge.graders, judge.encoder)
        timed._adding = threading.Lock()
        return timed

    def encode(
        self, asked: Sequence[tuple[Question, Sequence[str]]], deadline: float | None = None
    ) -> list[Encoded]:
        with self._timed():
            return super().encode(asked, deadline)

    def read(
        self,
        question: Question,
        texts: Sequence[str],
        deadline: float | None = None,
        encoded: Encoded | None = None,
    ) -> Draft:
        encoded = encoded or self.encode([(question, texts)], deadline)[0]
        with self._timed():
            return super().read(question, texts, deadline, encoded)

    def ask(self, draft: Draft, deadline: float | None = None) -> Draft:
        with self._timed():
            return super().ask(draft, deadline)

    def conclude(self, draft: Draft) -> list[Verdict]:
        with self._timed():
            return super().conclude(draft)

    _adding: threading.Lock

    @contextmanager
    def _timed(self) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            with self._adding:
                self.seconds += time.perf_counter() - started


@dataclass(frozen=True, slots=True)
class Rules:
    """A judge, and the settings by which is decided."""

    judge: TimedJudge
    settings: Settings

    @classmethod
    def of(cls, settings: Settings, encoder: Encoder, like: Rules | None = None) -> Rules:
        """The rules that settings ask for. A reward model that `like` has loaded already is not loaded
        twice.

        Raises:
            ConfigurationError: a file is missing or wrong, or a server that the rubric needs is not there.
        """
        own = settings.judge
        shared = like is not None and _same_reward(own, like.settings.judge)
        reward = like.judge.graders.reward_model if like is not None and shared else None
        judge = build_judge(own, encoder, load_rubric(own.rubric), reward)
        return cls(TimedJudge.of(judge), settings)

    @property
    def versions(self) -> dict[str, Any]:
        """What stands for them in a summary."""
        return {
            "rubric": self.judge.rubric.fingerprint,
            "judge": self.judge.version,
            "settings": self.settings.version,
        }


def _same_reward(one: JudgeSettings, other: JudgeSettings) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in _REWARD)
