"""A replay: logged turns go by one after the other, and what flips is written down."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import orjson
from pydantic import ValidationError

from contract.errors import NotFound
from contract.files import problem_of
from contract.progress import Progress
from feedback.answered import answered_ids, count_answered, drawn
from feedback.log import Log
from feedback.options import Selection
from feedback.whole import Made, replace_folder
from server.replay.anew import Anew, Answered
from server.replay.change import Change
from server.replay.compare import Replayed
from server.replay.judging import Judged, Judging
from server.replay.logged import Logged, holds_answer
from server.replay.rules import Rules
from server.replay.summary import Tally
from server.replay.walk import Outcome, decided
from text.encoder import Encoder

T = TypeVar("T")
Summary = dict[str, Any]
Decided = tuple[Judged, list[Outcome], list[Outcome] | None]

SUMMARY, FLIPS, FAILED = "summary.json", "flips.jsonl", "failed.jsonl"
# Logged texts stand in it.
REPLAY = Made("a replay", SUMMARY, frozenset({FLIPS, FAILED}), mode=0o700)

# Turns whose answers are encoded together.
_TOGETHER = 16


@dataclass(frozen=True, slots=True)
class Options:
    """Which turns, and how many at once.

    Attributes:
        limit: so many of the newest.
        sample: so many, drawn with `seed`.
        concurrency: requests that a policy, or a model that the judge asks, may have at once.
    """

    selection: Selection = field(default_factory=Selection)
    limit: int | None = None
    sample: int | None = None
    seed: int = 0
    concurrency: int = 8


def replay(
    log: Log, change: Change, options: Options, out: Path | None, progress: Progress
) -> Summary:
    """Replay the selected turns. Memory does not grow with the log.

    Args:
        out: folder for flips.jsonl, failed.jsonl and summary.json, which only its owner may read; it
            appears whole or not at all. None writes nothing.

    Raises:
        ConfigurationError: a setting, file or folder is wrong.
        PolicyUnavailable: the policy does not answer at all.
    """
    with ExitStack() as stack:
        folder = None
        if out is not None:
            folder = stack.enter_context(replace_folder(out, REPLAY))
        run = stack.enter_context(closing(_Run(log, change, options, folder, progress)))
        summary = run.run()
        if folder is not None:
            text = orjson.dumps(summary, option=orjson.OPT_INDENT_2)
            (folder / SUMMARY).write_bytes(text + b"\n")
        return summary


class _Run:
    """The parts of one replay, and what it has found so far."""

    def __init__(
        self,
        log: Log,
        change: Change,
        options: Options,
        folder: Path | None,
        progress: Progress,
    ) -> None:
        self._log, self._change, self._progress = log, change, progress
        self._stack = ExitStack()
        self._tally = Tally()
        # What is answered from now on is not of this replay.
        selection = replace(options.selection, until=options.selection.until or time.time())
        self._options = replace(options, selection=selection)
        with ExitStack() as opened:
            self._flips = _lines(opened, folder, FLIPS)
            self._failed = _lines(opened, folder, FAILED)
            self._anew: Anew | None = None
            if change.anew == "verdicts":
                self._new = Rules.of(change.new, Encoder())
            else:
                self._anew = Anew(
                    change.new,
                    searches=change.anew == "passages",
                    concurrency=options.concurrency,
                )
                opened.callback(self._anew.close)
                self._new = self._anew.rules
            self._old = Rules.of(change.old, self._new.judge.encoder, self._new)
            new = self._new if self._anew is None else None
            self._judging = opened.enter_context(
                closing(Judging(self._old, new, options.concurrency))
            )
            self._stack = opened.pop_all()

    def run(self) -> Summary:
        """Replay everything; what it came to."""
        started = time.perf_counter()
        total = count_answered(self._log, self._options.selection)
        total = min(total, self._options.limit or total)
        wanted = min(total, self._options.sample or total)
        for done, replayed in enumerate(self._replayed(self._turns(total)), 1):
            if replayed is not None and self._tally.add(replayed):
                self._flips(replayed.to_line())
            self._progress("replaying", done, wanted)
        return self._summary(time.perf_counter() - started)

    def close(self) -> None:
        """Close what holds files, threads and connections."""
        if self._anew is None:
            self._new.judge.close()
        self._old.judge.close()
        self._stack.close()

    def _turns(self, total: int) -> Iterator[Logged]:
        options = self._options
        ids = answered_ids(self._log, options.selection)
        for identifier in drawn(islice(ids, options.limit), total, options.sample, options.seed):
            try:
                turn = Logged.of(self._log.completion(identifier))
            except NotFound:
                self._tally.left_out["deleted meanwhile"] += 1
            except ValidationError as error:
                self._fail(identifier, f"unreadable: {problem_of(error)}")
            except (ValueError, KeyError) as error:
                self._fail(identifier, f"unreadable: {error}")
            else:
                if why := self._left_out(turn):
                    self._tally.left_out[why] += 1
                else:
                    yield turn

    def _left_out(self, turn: Logged) -> str:
        if self._change.anew == "passages" and not turn.record.index_version:
            return "answered without documents"
        if self._change.anew == "answers" and turn.request.has_images:
            return "has pictures, which the log does not hold"
        return ""

    def _replayed(self, turns: Iterator[Logged]) -> Iterator[Replayed | None]:
        """Each turn before and after; None for one that failed."""
        if self._anew is None:
            for batch in _batches(turns):
                yield from (self._one(decided) for decided in self._decide(batch))
            return
        for answers in _batches(self._anew.answers(turns)):
            usable = [answer for answer in answers if not answer.failure]
            for answer in answers:
                if answer.failure:
                    self._fail(answer.turn.id, answer.failure)
                    yield None
            known = self._anew.compute(partial(self._decide, [a.turn for a in usable]))
            for answer, found in zip(usable, known, strict=True):
                yield self._one(found, answer)

    def _one(self, found: Decided, answer: Answered | None = None) -> Replayed | None:
        judged, before, after = found
        if judged.failure:
            self._fail(judged.turn.id, judged.failure)
            return None
        if answer is None:
            return Replayed(judged, before, after)
        return Replayed(judged, before, answer.outcomes, answer.passages)

    def _decide(self, turns: Sequence[Logged]) -> list[Decided]:
        """Judge some turns, and decide about them under both rules."""
        found: list[Decided] = []
        for judged in self._judging.judge(turns):
            turn = judged.turn
            before = decided(turn, judged.before, self._old, _holds(turn, self._old))
            after = None
            if judged.after is not None:
                after = decided(turn, judged.after, self._new, _holds(turn, self._new))
            found.append((judged, before, after))
        return found

    def _fail(self, identifier: str, reason: str) -> None:
        # What follows the kind of failure may repeat what somebody wrote.
        self._tally.failures[reason.split(":")[0]] += 1
        self._failed({"id": identifier, "reason": reason})

    def _summary(self, seconds: float) -> Summary:
        change, anew = self._change, self._anew
        judges = {id(rules.judge): rules.judge for rules in (self._old, self._new)}
        return {
            "anew": change.anew,
            "before": self._old.versions,
            "after": self._new.versions
            | (
                {} if anew is None else {"policy": anew.policy.version, "index": anew.index_version}
            ),
            **self._tally.to_wire(),
            "cost": {
                "seconds": round(seconds, 3),
                "judge_seconds": round(sum(judge.seconds for judge in judges.values()), 3),
                "policy": None if anew is None else anew.policy.cost.to_wire(),
            },
        }


def _batches(items: Iterator[T]) -> Iterator[list[T]]:
    while batch := list(islice(items, _TOGETHER)):
        yield batch


def _holds(turn: Logged, rules: Rules) -> Callable[[], bool]:
    support = rules.settings.reader.min_support
    return cache(partial(holds_answer, turn, rules.judge.encoder, support))


def _lines(stack: ExitStack, folder: Path | None, name: str) -> Callable[[dict[str, Any]], object]:
    """Writes values to a file of a folder, one a line."""
    if folder is None:
        return lambda line: None
    file = stack.enter_context((folder / name).open("wb"))
    return lambda line: file.write(orjson.dumps(line) + b"\n")
