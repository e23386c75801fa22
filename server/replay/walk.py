"""What a logged turn comes to under given rules: decided anew, attempt by attempt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

from contract.verdict import Assessment, Decision, Refuse, Regenerate, Serve, Verdict
from feedback.records import CandidateRecord
from server.decide import decide, decide_streamed, may_try_again, selectors
from server.replay.logged import Logged
from server.replay.rules import Rules
from text.sentences import sentence_spans


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one choice came to, or would come to.

    Attributes:
        decision: serve, serve for review, refuse (with its style), try again where the log ends before
            the rules are content, or write on where they would not have stopped the stream.
        candidate: id of the candidate that was served, or turned down last; empty for one that was made
            for this replay.
        judgement: what is thought of that candidate.
    """

    decision: str
    reason: str
    attempts: int
    candidate: str
    text: str
    judgement: Assessment

    @property
    def serves(self) -> bool:
        """Does the candidate go out?"""
        return self.decision.startswith("serve")

    @property
    def reward(self) -> float | None:
        """The reward of the candidate, where it was judged."""
        return self.judgement.reward if isinstance(self.judgement, Verdict) else None

    @property
    def completion_class(self) -> str | None:
        """The class of the candidate, where it was judged."""
        return self.judgement.completion_class if isinstance(self.judgement, Verdict) else None

    def to_wire(self) -> dict[str, Any]:
        """As it stands in a line of flips."""
        verdict = self.judgement if isinstance(self.judgement, Verdict) else None
        return {
            "decision": self.decision,
            "reason": self.reason,
            "attempts": self.attempts,
            "candidate": self.candidate or None,
            "answer": self.text,
            "class": self.completion_class,
            "violations": list(verdict.violations) if verdict else [],
            "reward": None if verdict is None else round(verdict.reward, 6),
        }


def decided(
    turn: Logged, judgements: Sequence[Assessment], rules: Rules, holds: Callable[[], bool]
) -> list[Outcome]:
    """What each choice comes to.

    Time is not replayed: no attempt is too late. Tokens count as they were logged.
    """
    thought = dict(zip((c.id for c in turn.record.candidates), judgements, strict=True))
    return [
        _choice(turn, list(candidates), thought, rules, holds)
        for _, candidates in groupby(turn.record.candidates, attrgetter("choice"))
    ]


def decision_name(decision: Decision) -> str:
    """How a decision is counted."""
    if isinstance(decision, Refuse):
        return f"refuse ({decision.style})"
    if isinstance(decision, Regenerate):
        return "try again"
    return "serve for review" if decision.review else "serve"


def _choice(
    turn: Logged,
    candidates: Sequence[CandidateRecord],
    thought: dict[str, Assessment],
    rules: Rules,
    holds: Callable[[], bool],
) -> Outcome:
    spent = attempts = 0
    for _, attempt in groupby(candidates, attrgetter("attempt")):
        found = list(attempt)
        attempts += 1
        spent += sum(candidate.completion_tokens or 0 for candidate in found)
        judgements = [thought[candidate.id] for candidate in found]
        if turn.windowed:
            return _streamed(turn, found[0], judgements[0], rules, holds)
        decision = decide(
            judgements,
            rules.judge.rubric,
            language=turn.evidence.language,
            may_retry=may_try_again(rules.settings.decision, attempts, spent),
            documents_hold_answer=holds,
            min_margin=rules.settings.decision.min_margin,
            logprobs=selectors(rules.settings.decision, [c.mean_logprob for c in found]),
        )
        if not isinstance(decision, Regenerate):
            break
    served = found[decision.index] if isinstance(decision, Serve) else found[-1]
    return _outcome(decision_name(decision), decision, attempts, served, thought[served.id])


def _streamed(
    turn: Logged,
    candidate: CandidateRecord,
    judgement: Assessment,
    rules: Rules,
    holds: Callable[[], bool],
) -> Outcome:
    """A stream that was stopped, and would not be, has no end in the log."""
    decision = decide_streamed(
        judgement,
        rules.judge.rubric,
        language=turn.evidence.language,
        documents_hold_answer=holds,
        shown=len(list(sentence_spans(candidate.text))) > 1,
    )
    writes_on = turn.blocked and isinstance(decision, Serve)
    name = "write on" if writes_on else decision_name(decision)
    return _outcome(name, decision, 1, candidate, judgement)


def _outcome(
    name: str,
    decision: Decision,
    attempts: int,
    candidate: CandidateRecord,
    judgement: Assessment,
) -> Outcome:
    return Outcome(name, decision.reason, attempts, candidate.id, candidate.text, judgement)
