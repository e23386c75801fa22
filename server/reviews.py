"""Turns that need a person, on the wire."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from feedback.find import Found, to_wire
from feedback.records import CandidateRecord, CompletionRecord
from feedback.review_queue import Place

_LINE = """
SELECT c.id, created, question, decision, language, collection, policy_version,
    json_extract(reply, '$.choices[0].message.content') AS answer, k.reward, k.completion_class
FROM completion c LEFT JOIN candidate k ON k.id = (
    SELECT id FROM candidate WHERE completion_id = c.id
    ORDER BY served DESC, attempt DESC, reward DESC LIMIT 1)
WHERE c.id = ?
"""
# What feedback settles a turn.
_SETTLES = ("ruling", "correction")


def line(connection: sqlite3.Connection, place: Place) -> dict[str, Any]:
    """A turn in the list. Reward and class are those of what was served; of a refusal, of the best candidate
    of the last attempt."""
    row = connection.execute(_LINE, (place.completion_id,)).fetchone()
    return _line(dict(row), place.reasons, place.done)


def record(turn: CompletionRecord, place: Place | None, said: Sequence[Found]) -> dict[str, Any]:
    """A turn with everything that a person needs to judge it."""
    best = min(turn.candidates, key=_not_served, default=None)
    summary = {
        "id": turn.id,
        "created": turn.created,
        "question": turn.question,
        "answer": _message(turn).get("content"),
        "decision": turn.decision,
        "reward": best.reward if best else None,
        "completion_class": best.completion_class if best else None,
        "language": turn.language,
        "collection": turn.collection,
        "policy_version": turn.policy_version,
    }
    settled = any(one.row.type in _SETTLES and one.state == "counts" for one in said)
    ours: Mapping[str, Any] = turn.reply.get("plumbline") or {}
    return _line(summary, place.reasons if place else (), settled) | {
        "person": turn.person,
        "reason": ours.get("reason") or "",
        "answered": turn.answered,
        "annotations": _message(turn).get("annotations") or [],
        "messages": turn.prompt,
        "request": {"messages": turn.request.get("messages") or []},
        "passages": turn.passages,
        "turned_down": ours.get("turned_down") or [],
        "candidates": [_candidate(candidate) for candidate in turn.candidates],
        "feedback": [to_wire(one) for one in said],
        "versions": {
            name: getattr(turn, f"{name}_version")
            for name in ("policy", "judge", "rubric", "index", "settings")
        },
        "seconds": turn.seconds,
    }


def _line(row: dict[str, Any], reasons: Sequence[str], done: bool) -> dict[str, Any]:
    return {
        "id": row["id"],
        "object": "plumbline.review",
        "created": int(row["created"]),
        "question": row["question"],
        "answer": row["answer"],
        "decision": row["decision"],
        "reasons": list(reasons),
        "reward": row["reward"],
        "class": row["completion_class"],
        "language": row["language"],
        "collection": row["collection"],
        "policy_version": row["policy_version"],
        "state": "done" if done else "open",
    }


def _candidate(candidate: CandidateRecord) -> dict[str, Any]:
    return {
        "id": candidate.id,
        "choice": candidate.choice,
        "attempt": candidate.attempt,
        "served": candidate.served,
        "text": candidate.text,
        "reasoning": candidate.reasoning,
        "tool_calls": candidate.tool_calls,
        "reward": candidate.reward,
        "class": candidate.completion_class,
        "mean_logprob": candidate.mean_logprob,
        "completion_tokens": candidate.completion_tokens,
        "verdict": candidate.judgement,
    }


def _not_served(candidate: CandidateRecord) -> tuple[bool, int, float]:
    reward = float("-inf") if candidate.reward is None else candidate.reward
    return not candidate.served, -candidate.attempt, -reward


def _message(turn: CompletionRecord) -> Mapping[str, Any]:
    choices = turn.reply.get("choices") or [{}]
    message: Mapping[str, Any] = choices[0].get("message") or {}
    return message
