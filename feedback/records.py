"""The rows of the log."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class CandidateRecord:
    """One candidate, served or not. `judgement` is the verdict (or the judge's error) as JSON."""

    id: str
    completion_id: str
    choice: int
    attempt: int
    ordinal: int
    text: str
    served: bool
    reward: float | None
    completion_class: str | None
    judgement: dict[str, Any]
    tool_calls: list[dict[str, Any]] = field(default_factory=list)
    reasoning: str = ""
    mean_logprob: float | None = None
    completion_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class CompletionRecord:
    """One turn.

    Attributes:
        labels: the labels of each labelled passage in it; who may see the turn is admitted to every one
            of these groups.
        made_by: the name of the key that asked; empty where nobody has to say who they are.
        metadata: the reply's; None takes them from there.
    """

    id: str
    created: float
    person: str
    collection: str
    question: str
    language: str
    request: dict[str, Any]
    prompt: list[dict[str, Any]]
    passages: list[dict[str, Any]]
    reply: dict[str, Any]
    decision: str
    answered: bool
    review: bool
    policy_version: str
    judge_version: str
    rubric_version: str
    index_version: str
    settings_version: str
    seconds: float
    labels: list[list[str]] = field(default_factory=list)
    made_by: str = ""
    metadata: dict[str, str] | None = None
    candidates: tuple[CandidateRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class FeedbackRecord:
    """One piece of feedback."""

    id: str
    created: float
    completion_id: str
    type: str
    rater: str | None
    idempotency_key: str | None
    supersedes: str | None
    body: dict[str, Any]
