"""A turn that is under way: its id, its clock, and what of its answer has gone out already."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from contract.ids import uuid7


@dataclass(slots=True)
class Live:
    """Made when a request comes in.

    Attributes:
        body: the request as it came.
        windowed: whether the answer goes out sentence by sentence while it is written.
        policy_version: of the policy that answers, as far as it is known; each chunk bears it.
        shows_usage: whether chunks before the last have a `usage` of null, as OpenAI's have where the
            stream ends with one.
        pads: whether chunks are padded, so that their lengths do not tell what stands in them.
        content, reasoning: what has gone out, exactly.
        deltas: what is to go out, in order; the stream that serves the client takes it from here; None means that
            the turn has ended.
    """

    body: Mapping[str, Any] = field(default_factory=dict)
    windowed: bool = False
    policy_version: str = ""
    shows_usage: bool = False
    pads: bool = False
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid7()}")
    created: float = field(default_factory=time.time)
    content: str = ""
    reasoning: str = ""
    deltas: asyncio.Queue[dict[str, Any] | None] = field(default_factory=asyncio.Queue)
    _started: float = field(default_factory=time.perf_counter)

    def say(self, text: str) -> None:
        """Let a piece of the answer out."""
        if text:
            self.content += text
            self.deltas.put_nowait({"content": text})

    def think(self, text: str) -> None:
        """Let a piece of the reasoning out."""
        if text:
            self.reasoning += text
            self.deltas.put_nowait({"reasoning_content": text})

    def seconds(self) -> float:
        """Time since the request came in."""
        return time.perf_counter() - self._started
