"""What the judge says of an answer, and what is decided from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

ResponseType = Literal["comply", "hard_refuse", "safe_refuse"]
CompletionClass = Literal["ideal", "minimum_acceptable", "unacceptable", "illogical", "disallowed"]

ACCEPTABLE: frozenset[str] = frozenset({"ideal", "minimum_acceptable"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judge's opinion of one answer; `reward = rm + rbr` (Mu et al. 2024, section 3).

    Attributes:
        propositions: probability of each proposition that could be judged in this language.
        unjudged: propositions that no grader could judge; they count as their rubric default.
        evidence: the sentence that decided each proposition whose probability is at least 0.5.
        response_type: probability of each type of ideal response; the first is the one in force.
        violations: hard propositions that hold; an answer with any of them is never served.
        compliance: full_compliance, partial_refusal, full_refusal; sums to 1.
        refusing_sentences: the sentences that refuse, the clearest first.
        seconds: time that judging took, shared by the answers of one batch.
    """

    propositions: Mapping[str, float]
    unjudged: tuple[str, ...]
    evidence: Mapping[str, str]
    response_type: Mapping[str, float]
    response_type_in_force: ResponseType
    response_type_confident: bool
    compliance: Mapping[str, float]
    refusing_sentences: tuple[str, ...]
    harm: Mapping[str, float]
    completion_class: CompletionClass
    violations: tuple[str, ...]
    rm: float
    rbr: float
    language: str
    rubric_version: str
    grader_version: str
    seconds: float = field(compare=False)

    @property
    def reward(self) -> float:
        """`r_RM(x, y) + Σ wᵢ φᵢ(x, y)`."""
        return self.rm + self.rbr

    @property
    def acceptable(self) -> bool:
        """May this answer be served at all?"""
        return self.completion_class in ACCEPTABLE and not self.violations

    @property
    def refuses(self) -> bool:
        """Does the answer refuse as a whole?"""
        return self.compliance["full_refusal"] >= 0.5

    @property
    def abstains(self) -> bool:
        """Does the answer say that the documents do not hold the answer?"""
        return self.propositions.get("abstains", 0.0) >= 0.5

    def to_wire(self) -> dict[str, Any]:
        """The same keys in `/v1/judge`, in `plumbline judge`, in replies and in the log."""
        return {
            "propositions": _rounded(self.propositions),
            "unjudged": list(self.unjudged),
            "evidence": dict(self.evidence),
            "response_type": _rounded(self.response_type),
            "compliance": _rounded(self.compliance),
            "refusing_sentences": list(self.refusing_sentences),
            "harm": _rounded(self.harm),
            "class": self.completion_class,
            "violations": list(self.violations),
            "reward": round(self.reward, 6),
            "rm": round(self.rm, 6),
            "rbr": round(self.rbr, 6),
            "language": self.language,
            "rubric_version": self.rubric_version,
            "grader_version": self.grader_version,
            "seconds": round(self.seconds, 4),
        }

    @classmethod
    def of_wire(cls, wire: Mapping[str, Any], *, confident: bool) -> Verdict:
        """The verdict that `to_wire` wrote, as exact as that rounds; `confident` is not written.

        Raises:
            KeyError: it is no whole verdict.
        """
        return cls(
            propositions=wire["propositions"],
            unjudged=tuple(wire["unjudged"]),
            evidence=wire["evidence"],
            response_type=wire["response_type"],
            response_type_in_force=next(iter(wire["response_type"])),
            response_type_confident=confident,
            compliance=wire["compliance"],
            refusing_sentences=tuple(wire["refusing_sentences"]),
            harm=wire["harm"],
            completion_class=wire["class"],
            violations=tuple(wire["violations"]),
            rm=wire["rm"],
            rbr=wire["rbr"],
            language=wire["language"],
            rubric_version=wire["rubric_version"],
            grader_version=wire["grader_version"],
            seconds=wire["seconds"],
        )


@dataclass(frozen=True, slots=True)
class JudgeFailed:
    """The judge broke or timed out. It is another type than a verdict, so it can't be taken for an
    approval: `decide` knows no way to serve it."""

    reason: str

    def to_wire(self) -> dict[str, Any]:
        return {"error": {"message": self.reason, "code": "judge_failed"}}


@dataclass(frozen=True, slots=True)
class Unjudged:
    """The operator switched judging off (`judge.enabled`): neither an approval nor a failure."""

    def to_wire(self) -> dict[str, Any]:
        return {"unjudged": "judging is switched off on this server"}


# What the judge gives, and what a server knows of a candidate.
Judgement = Verdict | JudgeFailed
Assessment = Judgement | Unjudged


@dataclass(frozen=True, slots=True)
class Serve:
    """Serve candidate `index`; `review` queues the turn for a person. `reason` says how it was chosen."""

    index: int
    review: bool = False
    reason: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Regenerate:
    """Ask the policy again, telling it what failed."""

    hint: str
    reason: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Refuse:
    """Send the safe refusal of this style; `reason` goes to the log."""

    style: ResponseType
    reason: str


Decision = Serve | Regenerate | Refuse


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in values.items()}
