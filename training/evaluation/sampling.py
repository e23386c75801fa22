"""How answers are generated; part of what they are cached by."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sampling:
    """Greedy with a temperature of 0. `max_tokens` is the longest answer, in tokens."""

    temperature: float = 0.0
    max_tokens: int = 256
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer; `passages` are those that the policy looked up itself, None where it got the prompt's."""

    text: str
    passages: tuple[str, ...] | None = None
