"""The logged candidates of several turns are judged at once: encoded together, and by two judges where
the log does not say what the rules in service think of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial

from contract.candidate import Candidate
from contract.verdict import Assessment, JudgeFailed, Judgement, Unjudged, Verdict
from rbrm.answer import Question
from rbrm.judge import Draft, Encoded, Judge, failed
from server.parts import question_of
from server.replay.logged import Logged, candidate_of, holds_answer
from server.replay.rules import Rules
from server.spoken import channels_of, combined

Asked = tuple[Question, list[str]]


@dataclass(frozen=True, slots=True)
class Judged:
    """A turn with what is thought of each of its candidates, in the order of the log: under the rules in
    service, and under the new ones, where these judge logged candidates."""

    turn: Logged
    before: Sequence[Assessment]
    after: Sequence[Assessment] | None

    @property
    def failure(self) -> str:
        """Why a candidate could not be judged; empty where all could."""
        both = [*self.before, *(self.after or ())]
        return next((j.reason for j in both if isinstance(j, JudgeFailed)), "")


class Judging:
    """Judges logged candidates.

    Args:
        old: the rules in service. Their verdicts are taken from the log where it was made by the same ones.
        new: the rules that judge the logged candidates anew; None where new answers are judged instead.
        asking: how many turns may wait for a language model or a reward server at once.
    """

    def __init__(self, old: Rules, new: Rules | None, asking: int) -> None:
        self._old, self._new = old, new
        self._asking = ThreadPoolExecutor(asking, thread_name_prefix="asking")

    def judge(self, turns: Sequence[Logged]) -> list[Judged]:
        """Judge all candidates of some turns, in order. A judge that breaks fails the turn, no other."""
        before = [self._logged(turn) for turn in turns]
        anew = [i for i, found in enumerate(before) if found is None]
        wanted = anew if self._new is None else list(range(len(turns)))
        asked = {i: self._asked(turns[i]) for i in wanted}
        encoded = self._encoded(asked)
        for i, found in zip(anew, self._judged(self._old, turns, anew, asked, encoded)):
            before[i] = found
        after: Sequence[Sequence[Assessment] | None] = [None] * len(turns)
        if self._new is not None:
            after = self._judged(self._new, turns, wanted, asked, encoded)
        return [
            Judged(turn, one or [], other)
            for turn, one, other in zip(turns, before, after, strict=True)
        ]

    def close(self) -> None:
        """Stop what waits."""
        self._asking.shutdown(cancel_futures=True)

    def _logged(self, turn: Logged) -> list[Assessment] | None:
        """What the log says of each candidate; None where the rules in service would say something else,
        or a verdict is not whole.

        The log does not hold how sure the type of the ideal answer was, which matters to refusals.
        """
        judge, record = self._old.judge, turn.record
        if not self._old.settings.judge.enabled:
            return [Unjudged()] * len(record.candidates)
        made_by = (record.rubric_version, record.judge_version)
        if made_by != (judge.rubric.fingerprint, judge.version):
            return None
        told = turn.request.plumbline.response_type is not None
        found: list[Assessment] = []
        for candidate in record.candidates:
            try:
                verdict = Verdict.of_wire(candidate.judgement, confident=told)
            except KeyError:
                return None
            if verdict.refuses and not told:
                return None
            found.append(verdict)
        return found

    def _asked(self, turn: Logged) -> Asked:
        old = self._old
        holds = partial(holds_answer, turn, old.judge.encoder, old.settings.reader.min_support)
        question = question_of(turn.request, turn.evidence, cache(holds))
        return question, [text for channel in _channels(turn) for text in channel]

    def _encoded(self, asked: dict[int, Asked]) -> dict[int, Encoded | Exception]:
        """Encoded together; where that fails, one by one."""
        if not asked:
            return {}
        judge = (self._new or self._old).judge
        try:
            return dict(zip(asked, judge.encode(list(asked.values())), strict=True))
        except Exception as error:
            if len(asked) == 1:
                return dict.fromkeys(asked, error)
        return {i: found for i in asked for found in self._encoded({i: asked[i]}).values()}

    def _judged(
        self,
        rules: Rules,
        turns: Sequence[Logged],
        which: Sequence[int],
        asked: dict[int, Asked],
        encoded: dict[int, Encoded | Exception],
    ) -> list[list[Assessment]]:
        if not rules.settings.judge.enabled:
            return [[Unjudged()] * len(turns[i].record.candidates) for i in which]
        judge = rules.judge
        drafts = [_read(judge, asked[i], encoded[i]) for i in which]
        if judge.waits:
            limit = rules.settings.judge.timeout_seconds
            drafts = list(self._asking.map(partial(_ask, judge, limit), drafts))
        found: list[list[Assessment]] = []
        for i, draft in zip(which, drafts, strict=True):
            judgements = iter(_concluded(judge, draft, len(asked[i][1])))
            found.append(
                [
                    combined(candidate, [next(judgements) for _ in channel])
                    for candidate, channel in zip(_candidates(turns[i]), _channels(turns[i]))
                ]
            )
        return found


def _candidates(turn: Logged) -> list[Candidate]:
    return [candidate_of(record) for record in turn.record.candidates]


def _channels(turn: Logged) -> list[list[str]]:
    return [channels_of(candidate, turn.evidence.passages) for candidate in _candidates(turn)]


def _read(judge: Judge, asked: Asked, encoded: Encoded | Exception) -> Draft | Exception:
    if isinstance(encoded, Exception):
        return encoded
    try:
        return judge.read(*asked, encoded=encoded)
    except Exception as error:
        return error


def _ask(judge: Judge, limit_seconds: float, draft: Draft | Exception) -> Draft | Exception:
    if isinstance(draft, Exception):
        return draft
    try:
        return judge.ask(draft, time.monotonic() + limit_seconds)
    except Exception as error:
        return error


def _concluded(judge: Judge, draft: Draft | Exception, count: int) -> Sequence[Judgement]:
    if isinstance(draft, Exception):
        return failed(draft, count)
    try:
        return judge.conclude(draft)
    except Exception as error:
        return failed(error, count)
