"""What goes into a policy and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from contract.passage import Evidence


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the policy is asked.

    `messages` is the whole prompt in the wire form; `evidence` is the same passages as values, for
    policies that need no text. `rejected` holds the drafts of earlier attempts that were not served.
    """

    messages: tuple[Mapping[str, str], ...]
    evidence: Evidence
    rejected: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to sample. `max_tokens` None leaves the limit to the policy; `extra` passes through.

    `offset` counts the candidates that other choices of the same request ask for, so that choices
    differ from each other.
    """

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    max_sentences: int = 2
    offset: int = 0
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One answer that the policy proposes. Token counts are None where the policy gives none."""

    text: str
    finish_reason: str = "stop"
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class Policy(Protocol):
    """The policy model: anything that proposes answers to a prompt."""

    version: str

    async def generate(self, prompt: Prompt, n: int, sampling: Sampling) -> Sequence[Candidate]:
        """Return between 1 and `n` different candidates, the most likely first.

        Raises:
            PolicyUnavailable: the server behind it can't be reached or broke.
            RequestRejected: the server refused the request itself.
        """

    async def context_tokens(self) -> int:
        """How many tokens prompt and answer may have together."""

    async def check(self) -> None:
        """Return when the policy can answer; raise PolicyUnavailable when it can't."""

    def describe(self) -> dict[str, Any]:
        """What stands behind the model id `plumbline`, for `/v1/models`."""

    async def close(self) -> None:
        """Free connections."""
