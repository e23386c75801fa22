"""What a turn came to: attempts, settled choices, the finished turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from contract.candidate import Candidate
from contract.chat import ChatRequest
from contract.passage import Evidence
from contract.verdict import Decision, Judgement, Refuse, Serve, Verdict
from server.callers import Caller
from server.citations import Cited, cite
from server.wording import REFUSAL, in_language


@dataclass(frozen=True, slots=True)
class Attempt:
    """One generation and what the judge said of it; ids are those of the candidates."""

    candidates: Sequence[Candidate]
    ids: Sequence[str]
    judgements: Sequence[Judgement]
    decision: Decision


@dataclass(frozen=True, slots=True)
class Choice:
    """One finished choice of the reply. `served` is None where Plumbline refused."""

    attempts: Sequence[Attempt]
    cited: Cited
    served: int | None
    refusal: str | None

    @property
    def decision(self) -> Decision:
        """The decision that ended it."""
        return self.attempts[-1].decision

    @property
    def judgement(self) -> Judgement:
        """The verdict on what was served; after a refusal, on the last candidate turned down."""
        last = self.attempts[-1]
        return last.judgements[-1 if self.served is None else self.served]

    @property
    def answered(self) -> bool:
        """Was the question answered, and not refused or given back?"""
        verdict = self.judgement
        return (
            self.served is not None
            and isinstance(verdict, Verdict)
            and not verdict.abstains
            and self.refusal is None
        )

    @property
    def finish_reason(self) -> str:
        """OpenAI's reason why the text ends."""
        last = self.attempts[-1]
        return "stop" if self.served is None else last.candidates[self.served].finish_reason


@dataclass(frozen=True, slots=True)
class Turn:
    """A finished turn, ready to be logged and sent."""

    id: str
    created: float
    request: ChatRequest
    caller: Caller
    evidence: Evidence
    prompt: Sequence[Mapping[str, str]]
    prompt_tokens: int
    choices: Sequence[Choice]
    seconds: float = field(compare=False, default=0.0)


def settled(attempts: Sequence[Attempt], evidence: Evidence) -> Choice:
    """The choice that the last attempt's decision makes of all attempts.

    Neither an abstention nor a refusal claims anything, so neither is cited.
    """
    last = attempts[-1]
    if isinstance(last.decision, Refuse):
        text = in_language(REFUSAL[last.decision.style], evidence.language)
        return Choice(attempts, Cited(text, ()), None, text)
    assert isinstance(last.decision, Serve)
    index = last.decision.index
    verdict = last.judgements[index]
    assert isinstance(verdict, Verdict), "only what was judged is ever served"
    claims_nothing = verdict.abstains or verdict.refuses
    cited = cite(last.candidates[index].text, () if claims_nothing else evidence.passages)
    return Choice(attempts, cited, index, cited.content if verdict.refuses else None)
