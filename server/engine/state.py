"""What is told of an engine: in its health, and to whoever watches it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["stopped", "starting", "ready", "restarting", "failed"]


@dataclass(frozen=True, slots=True)
class EngineState:
    """How an engine fares. `trouble` is None while it answers; `pid` is its process group."""

    name: str
    url: str
    status: Status
    pid: int | None
    deaths: int
    trouble: str | None
