"""What goes into a policy and what comes out of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from contract.passage import Evidence


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the policy is asked.

    `messages` is the whole prompt in the wire form; `evidence` is the same passages as values, for
    policies that need no text. `rejected` holds the drafts of earlier attempts that were not served.
    """

    messages: tuple[Mapping[str, Any], ...]
    evidence: Evidence
    rejected: tuple[str, ...] = ()

    @property
    def texts(self) -> list[str]:
        """All texts in it; pictures have none."""
        found: list[str] = []
        for content in (message.get("content") for message in self.messages):
            if isinstance(content, str):
                found.append(content)
            elif content:
                found += [part["text"] for part in content if part["type"] == "text"]
        return found


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to sample. `max_tokens` None leaves the limit to the policy; `extra` passes through.

    `first` is the number of the first candidate: more of them for the same prompt continue the count,
    so that they differ from those before. `logprobs` asks for the log-probability of each token.
    `affinity` says which requests share a prefix that one replica should keep.
    """

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    max_sentences: int = 2
    first: int = 0
    logprobs: bool = False
    affinity: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One answer that the policy proposes. Token counts are None where the policy gives none.

    Attributes:
        text: what the user would read; empty where the policy only calls tools.
        tool_calls: in OpenAI's form.
        reasoning: what a reasoning policy thought before it answered.
        logprobs: OpenAI's object of the choice, about the tokens as the policy wrote them.
    """

    text: str
    finish_reason: str = "stop"
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    tool_calls: tuple[Mapping[str, Any], ...] = ()
    reasoning: str = ""
    logprobs: Mapping[str, Any] | None = None

    @property
    def mean_logprob(self) -> float | None:
        """Mean log-probability of its tokens (the selector of Chen et al. 2021, §3.3); None without."""
        tokens = (self.logprobs or {}).get("content") or ()
        values = [t["logprob"] for t in tokens if isinstance(t.get("logprob"), int | float)]
        return sum(values) / len(values) if values else None

    @property
    def arguments(self) -> str:
        """The names and arguments of all tool calls, a line each."""
        calls = [call["function"] for call in self.tool_calls]
        return "\n".join(f"{call['name']} {call['arguments']}" for call in calls)


@dataclass(frozen=True, slots=True)
class Piece:
    """What a streaming policy wrote since the piece before. `tool_calls` come whole, in the last one;
    so do `finish_reason` and the token counts."""

    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[Mapping[str, Any], ...] = ()
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None


class Policy(Protocol):
    """The policy model: anything that proposes answers to a prompt.

    A `deterministic` one proposes different answers by itself and takes no notice of temperature.
    """

    version: str
    deterministic: bool

    async def generate(self, prompt: Prompt, n: int, sampling: Sampling) -> Sequence[Candidate]:
        """Return between 1 and `n` candidates, sampled in one request, the first as the caller asked.

        Raises:
            PolicyUnavailable: the server behind it can't be reached or broke.
            RequestRejected: the server refused the request itself.
        """

    def stream(self, prompt: Prompt, sampling: Sampling) -> AsyncGenerator[Piece]:
        """One candidate while it is written. Closing the iterator ends the policy's work.

        Raises:
            PolicyUnavailable, RequestRejected: as `generate`; the first also in the middle.
        """

    async def context_tokens(self) -> int:
        """How many tokens prompt and answer may have together."""

    async def check(self) -> None:
        """Return when the policy can answer; raise PolicyUnavailable when it can't."""

    def describe(self) -> dict[str, Any]:
        """What stands behind the model id `plumbline`, for `/v1/models`."""

    async def close(self) -> None:
        """Free connections."""
