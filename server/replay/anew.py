"""Turns are answered anew: by another policy from the logged prompts, or from another index."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from contract.access import Access
from contract.candidate import Prompt
from contract.chat import ChatRequest
from contract.errors import ConfigurationError, PlumblineError, RequestRejected
from contract.settings import Settings, TelemetrySettings
from contract.verdict import JudgeFailed
from server.outcome import Choice
from server.parts import Parts
from server.policy.reader import ReaderPolicy
from server.prompt import build_prompt
from server.replay.counted import CountedPolicy
from server.replay.logged import Logged
from server.replay.passages import PassageChanges, passage_changes
from server.replay.rules import Rules, TimedJudge
from server.replay.walk import Outcome, decision_name
from server.together import readings
from server.turn import settle_all
from server.wiring import build

T = TypeVar("T")

# Nobody waits at the other end, so nothing is cut short that a busy machine would make late.
_PATIENCE_SECONDS = 3600.0
_JUDGE_SECONDS = 120.0
# Turns under way for each request that the policy may have at once: others are judged meanwhile.
_AHEAD = 4


@dataclass(frozen=True, slots=True)
class Answered:
    """What a turn comes to with new answers, or why there are none (`failure`). `outcomes` is None where
    only the passages were looked for."""

    turn: Logged
    outcomes: list[Outcome] | None = None
    passages: PassageChanges | None = None
    failure: str = ""


class Anew:
    """Answers logged turns with the parts of a server that is not serving.

    Args:
        settings: the new ones.
        searches: find the passages anew in the index of the settings; else the logged prompts are sent.
        concurrency: requests that the policy may have at once.

    Raises:
        ConfigurationError: a setting, file or folder is wrong, or there is no index.
        PolicyUnavailable: the policy does not answer.
    """

    def __init__(self, settings: Settings, *, searches: bool, concurrency: int) -> None:
        self._searches = searches
        self._ahead = _AHEAD * concurrency
        built = build(_patient(settings))
        self._runner = asyncio.Runner()
        self.policy = CountedPolicy(built.policy, concurrency)
        judge = TimedJudge.of(built.judge)
        self.rules = Rules(judge, settings)
        self.parts: Parts = replace(
            built,
            policy=self.policy,
            judge=judge,
            readings=readings(built.executor, judge, built.settings.judge.timeout_seconds),
        )
        self._is_reader = isinstance(built.policy, ReaderPolicy)
        try:
            self._check()
        except BaseException:
            self.close()
            raise

    def answers(self, turns: Iterator[Logged]) -> Iterator[Answered]:
        """The turns in order, each answered anew; a few of them are under way at any time."""
        running: deque[asyncio.Task[Answered]] = deque()
        loop = self._runner.get_loop()
        for turn in turns:
            running.append(loop.create_task(self._answer(turn)))
            if len(running) >= self._ahead:
                yield self._runner.run(_result(running.popleft()))
        while running:
            yield self._runner.run(_result(running.popleft()))

    @property
    def index_version(self) -> str | None:
        """The version of the index that passages are found in; None where they are not looked for."""
        return self.parts.retriever.check().manifest.version if self._searches else None

    def compute(self, work: Callable[[], T]) -> T:
        """Run work that shares the encoder with the answers under way."""
        return self._runner.run(self.parts.compute(work))

    def close(self) -> None:
        """Close everything that holds a connection, a file or a thread."""
        self._runner.run(self.parts.close())
        self._runner.close()

    def _check(self) -> None:
        if self._searches:
            self.parts.retriever.open()
        elif self._is_reader:
            raise ConfigurationError(
                "The embedded reader answers from an index, not from logged prompts. Name another policy "
                "(--policy http://127.0.0.1:8001/v1#model), or replay it with --index."
            )
        self._runner.run(self.policy.check())

    async def _answer(self, turn: Logged) -> Answered:
        changes = None
        try:
            request = _request(turn)
            if self._searches:
                request = _in_collection(request, turn)
                evidence = await self.parts.retrieve(request, _access(turn))
                changes = passage_changes(turn, evidence.passages)
                if self._is_reader and turn.record.policy_version != self.policy.version:
                    return Answered(turn, None, changes)
                prompt = build_prompt(request.messages, evidence)
            else:
                prompt = _as_sent(turn)
            choices = await settle_all(request, prompt, self.parts)
        except PlumblineError as error:
            return Answered(turn, None, changes, f"{error.code}: {error.message}")
        except Exception as error:  # one turn that nobody foresaw must not end the others
            return Answered(turn, None, changes, f"{type(error).__name__}: {error}")
        if failed := _judge_failed(choices):
            return Answered(turn, None, changes, failed)
        return Answered(turn, [_outcome(choice) for choice in choices], changes)


async def _result(task: asyncio.Task[Answered]) -> Answered:
    return await task


def _patient(settings: Settings) -> Settings:
    """The same without limits of time that guard a server's callers, and untraced."""
    judge, decision = settings.judge, settings.decision
    waits = max(_JUDGE_SECONDS, judge.timeout_seconds)
    return settings.model_copy(
        update={
            "judge": judge.model_copy(update={"timeout_seconds": waits}),
            "decision": decision.model_copy(update={"budget_seconds": _PATIENCE_SECONDS}),
            "telemetry": TelemetrySettings(),
        }
    )


def _request(turn: Logged) -> ChatRequest:
    """The request as it was, whole instead of streamed, with as many candidates as were sampled."""
    options = turn.request.plumbline.model_copy(
        update={"candidates": turn.sampled, "stream_mode": None}
    )
    return turn.request.model_copy(
        update={"stream": False, "stream_options": None, "plumbline": options}
    )


def _in_collection(request: ChatRequest, turn: Logged) -> ChatRequest:
    options = request.plumbline.model_copy(
        update={"collection": turn.record.collection, "retrieve": True}
    )
    return request.model_copy(update={"plumbline": options})


def _as_sent(turn: Logged) -> Prompt:
    if turn.request.has_images:
        raise RequestRejected("The log holds no pictures, so the prompt can't be sent again.")
    return Prompt(tuple(turn.record.prompt), turn.evidence)


def _access(turn: Logged) -> Access:
    """The labels of what was shown in the turn: all that the log knows of its caller's."""
    return Access(frozenset(label for group in turn.record.labels for label in group))


def _judge_failed(choices: list[Choice]) -> str:
    judgements = [j for c in choices for attempt in c.attempts for j in attempt.judgements]
    return next((j.reason for j in judgements if isinstance(j, JudgeFailed)), "")


def _outcome(choice: Choice) -> Outcome:
    attempt = choice.attempts[-1]
    candidate = choice.candidate or attempt.candidates[-1]
    return Outcome(
        decision_name(choice.decision),
        choice.decision.reason,
        len(choice.attempts),
        "",
        candidate.text,
        choice.judgement,
    )
