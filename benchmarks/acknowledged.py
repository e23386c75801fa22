"""What clients were told is stored, and what of it a log lacks."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from benchmarks.gateway.client import Answer, Connection, post
from benchmarks.gateway.targets import CHAT

CLIENTS = 8
_KINDS = ("whole", "verified", "windowed")
_FEEDBACK_SHARE = 0.4
_RETRIEVED_SHARE = 0.1
_VALUES = (True, False, 1, 5, "good", "ok", "bad")


@dataclass
class Told:
    """Ids that answers have named as stored.

    Attributes:
        completions: each completion with its candidates.
        feedback: each piece of feedback with its completion.
        uploads: ingests of uploaded files.
        cut_off: requests that the server's death left without an answer.
        refused: answers that were neither whole nor cut off, by status.
    """

    completions: dict[str, frozenset[str]] = field(default_factory=dict)
    feedback: dict[str, str] = field(default_factory=dict)
    uploads: set[str] = field(default_factory=set)
    cut_off: int = 0
    refused: list[int] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Rows of the log that must be there."""
        candidates = sum(len(own) for own in self.completions.values())
        return len(self.completions) + candidates + len(self.feedback)

    def missing(self, log: Path) -> set[str]:
        """The ids of rows that a log lacks, or has on another completion."""
        with closing(sqlite3.connect(f"{log.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            completions = {row[0] for row in connection.execute("SELECT id FROM completion")}
            candidates = dict(connection.execute("SELECT id, completion_id FROM candidate"))
            feedback = dict(connection.execute("SELECT id, completion_id FROM feedback"))
        wanted = {one: owner for owner, own in self.completions.items() for one in own}
        lost = self.completions.keys() - completions
        lost |= {one for one, owner in wanted.items() if candidates.get(one) != owner}
        return lost | {one for one, owner in self.feedback.items() if feedback.get(one) != owner}


@dataclass
class Client:
    """Asks and gives feedback, one request after the other, until the server is gone."""

    port: int
    told: Told
    random: random.Random
    mine: list[str] = field(default_factory=list)

    async def run(self) -> None:
        """Return when the server does not answer any more."""
        connection = Connection(self.port)
        try:
            while await self._once(connection):
                pass
        except OSError:
            pass
        finally:
            connection.close()

    async def _once(self, connection: Connection) -> bool:
        if self.mine and self.random.random() < _FEEDBACK_SHARE:
            owner = self.random.choice(self.mine)
            answer = await connection.ask(post("/v1/feedback", self._feedback(owner)))
            if answer.whole and answer.status == 200:
                self.told.feedback[orjson.loads(answer.body)["id"]] = owner
        else:
            answer = await connection.ask(post(CHAT, self._question()))
            if (reply := acknowledged(answer)) is not None:
                candidates = reply["plumbline"]["candidates"]
                self.told.completions[reply["id"]] = frozenset(c["id"] for c in candidates)
                self.mine.append(reply["id"])
        if not answer.whole:
            self.told.cut_off += 1
        elif answer.status != 200:
            self.told.refused.append(answer.status)
        return answer.whole

    def _question(self) -> dict[str, Any]:
        kind = self.random.choice(_KINDS)
        options: dict[str, Any] = {"show_candidates": True}
        if kind == "windowed":
            options["stream_mode"] = kind
        else:
            options["candidates"] = self.random.choice((1, 2, 4))
        if self.random.random() < _RETRIEVED_SHARE:
            options["retrieve"] = True
        seed = self.random.randrange(10**6)
        asked = f"Question {seed}: how many days of parental leave do I get? 育儿假有多少天？"
        return {
            "model": "plumbline",
            "messages": [{"role": "user", "content": asked}],
            "seed": seed,
            "stream": kind != "whole",
            "plumbline": options,
        }

    def _feedback(self, owner: str) -> dict[str, Any]:
        body = {
            "id": owner,
            "rater": "ann",
            "comment": "As it should be. " * self.random.randrange(50),
        }
        if self.random.random() < 0.5:
            return body | {"type": "rating", "value": self.random.choice(_VALUES)}
        return body | {"type": "correction", "correction": "80 working days."}


async def load(port: int, told: Told, dice: random.Random) -> None:
    """Clients that ask at the same time, until the server is gone."""
    clients = [Client(port, told, random.Random(dice.random())) for _ in range(CLIENTS)]
    await asyncio.gather(*(client.run() for client in clients))


def acknowledged(answer: Answer) -> dict[str, Any] | None:
    """The reply that says that its turn is stored: a whole body, or the last chunk of a stream, which
    counts though the connection broke right after it."""
    if answer.status != 200:
        return None
    if answer.body.startswith(b"{"):
        whole: dict[str, Any] | None = orjson.loads(answer.body) if answer.whole else None
        return whole
    return next((event for _, event in answer.events() if "plumbline" in event), None)
