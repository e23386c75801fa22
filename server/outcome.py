"""What a turn came to: attempts, settled choices, the finished turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from contract.candidate import Candidate
from contract.chat import ChatRequest
from contract.ids import uuid7
from contract.passage import Evidence
from contract.verdict import Assessment, Decision, Refuse, Serve, Verdict
from server.callers import Caller
from server.citations import Cited, cite
from server.live import Live
from server.wording import REFUSAL, in_language


@dataclass(frozen=True, slots=True)
class Attempt:
    """One generation and what the judge said of it; ids are those of the candidates."""

    candidates: Sequence[Candidate]
    ids: Sequence[str]
    judgements: Sequence[Assessment]
    decision: Decision

    @classmethod
    def of(
        cls, candidates: Sequence[Candidate], judgements: Sequence[Assessment], decision: Decision
    ) -> Attempt:
        """An attempt whose candidates get their ids."""
        return cls(candidates, [f"cand-{uuid7()}" for _ in candidates], judgements, decision)

    def ending_in(self, decision: Decision) -> Attempt:
        """The same with another decision."""
        return replace(self, decision=decision)


@dataclass(frozen=True, slots=True)
class Choice:
    """One finished choice of the reply. `served` is None where Plumbline refused, or stopped a stream;
    `cited` is what the user read."""

    attempts: Sequence[Attempt]
    cited: Cited
    served: int | None
    refusal: str | None
    finish_reason: str

    @property
    def decision(self) -> Decision:
        """The decision that ended it."""
        return self.attempts[-1].decision

    @property
    def judgement(self) -> Assessment:
        """The verdict on what was served; after a refusal, on the last candidate turned down."""
        last = self.attempts[-1]
        return last.judgements[-1 if self.served is None else self.served]

    @property
    def candidate(self) -> Candidate | None:
        """What was served; None where Plumbline refused."""
        return None if self.served is None else self.attempts[-1].candidates[self.served]

    @property
    def tool_calls(self) -> list[dict[str, Any]]:
        """The calls of tools in what was served."""
        return [dict(call) for call in self.candidate.tool_calls] if self.candidate else []

    @property
    def answered(self) -> bool:
        """Was the question answered, and not refused or given back?"""
        verdict = self.judgement
        abstains = isinstance(verdict, Verdict) and verdict.abstains
        return self.served is not None and not abstains and self.refusal is None


@dataclass(frozen=True, slots=True)
class Turn:
    """A finished turn, ready to be logged and sent.

    Attributes:
        prompt_tokens: by the policy's own count where it gives one.
        policy_version: the version that answered, in all attempts.
        stages: seconds spent in each stage so far; those of choices that ran side by side add up.
    """

    live: Live
    request: ChatRequest
    caller: Caller
    evidence: Evidence
    prompt: Sequence[Mapping[str, Any]]
    prompt_tokens: int
    choices: Sequence[Choice]
    seconds: float
    policy_version: str
    stages: Mapping[str, float]

    @property
    def id(self) -> str:
        """The id of the completion."""
        return self.live.id

    @property
    def created(self) -> float:
        """Seconds since 1970."""
        return self.live.created

    @property
    def candidates(self) -> list[Candidate]:
        """Every candidate of every attempt."""
        return candidates_in(self.choices)


def candidates_in(choices: Sequence[Choice]) -> list[Candidate]:
    """Every candidate of every attempt."""
    attempts = [attempt for choice in choices for attempt in choice.attempts]
    return [candidate for attempt in attempts for candidate in attempt.candidates]


def settled(attempts: Sequence[Attempt], evidence: Evidence, *, keep_marks: bool = False) -> Choice:
    """The choice that the last attempt's decision makes of all attempts.

    Neither an abstention nor a refusal claims anything, so neither is cited, unless its marks have gone
    out already.
    """
    last = attempts[-1]
    if isinstance(last.decision, Refuse):
        text = in_language(REFUSAL[last.decision.style], evidence.language)
        return Choice(attempts, Cited(text, ()), None, text, "stop")
    assert isinstance(last.decision, Serve)
    index = last.decision.index
    candidate, verdict = last.candidates[index], last.judgements[index]
    refuses = isinstance(verdict, Verdict) and verdict.refuses and not candidate.tool_calls
    claims_nothing = refuses or (isinstance(verdict, Verdict) and verdict.abstains)
    cited = cite(candidate.text, () if claims_nothing and not keep_marks else evidence.passages)
    refusal = cited.content if refuses else None
    return Choice(attempts, cited, index, refusal, candidate.finish_reason)


def blocked(attempts: Sequence[Attempt], evidence: Evidence, shown: str) -> Choice:
    """The choice of a stream that was stopped after `shown` had gone out."""
    decision = attempts[-1].decision
    assert isinstance(decision, Refuse)
    text = in_language(REFUSAL[decision.style], evidence.language)
    cited = cite(shown, evidence.passages) if shown else Cited(text, ())
    return Choice(attempts, cited, None, text, "content_filter")
