"""A finished turn on the wire: OpenAI's shapes, with `plumbline` beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from contract.errors import PlumblineError
from contract.verdict import Refuse, Serve
from server.outcome import Choice, Turn

MODEL = "plumbline"

# A stream goes out in pieces of about a word, or a few Han characters.
_PIECE = re.compile(r"\S{1,12}\s*|\s+")


def completion(turn: Turn, policy_version: str) -> dict[str, Any]:
    """The body of a `chat.completion`."""
    return {
        "id": turn.id,
        "object": "chat.completion",
        "created": int(turn.created),
        "model": MODEL,
        "choices": [
            {
                "index": index,
                "message": {
                    "role": "assistant",
                    "content": choice.cited.content,
                    "refusal": choice.refusal,
                    "annotations": list(choice.cited.annotations),
                },
                "logprobs": None,
                "finish_reason": choice.finish_reason,
            }
            for index, choice in enumerate(turn.choices)
        ],
        "usage": usage(turn),
        "plumbline": plumbline(turn, policy_version),
    }


def chunks(turn: Turn, policy_version: str) -> Iterator[dict[str, Any]]:
    """The same as `chat.completion.chunk`s: text first, citations in each choice's last delta."""
    for index, choice in enumerate(turn.choices):
        yield _chunk(turn, index, {"role": "assistant", "content": "", "refusal": None})
        for piece in _PIECE.findall(choice.cited.content):
            yield _chunk(turn, index, {"content": piece})
        last: dict[str, Any] = {"annotations": list(choice.cited.annotations)}
        if choice.refusal:
            last["refusal"] = choice.refusal
        chunk = _chunk(turn, index, last, choice.finish_reason)
        if index == len(turn.choices) - 1:
            chunk["plumbline"] = plumbline(turn, policy_version)
        yield chunk
    options = turn.request.stream_options
    if options and options.include_usage:
        yield _frame(turn) | {"choices": [], "usage": usage(turn)}


def usage(turn: Turn) -> dict[str, int]:
    """Tokens of the prompt and of what was generated, by the policy's count where it gives one."""
    attempts = [a for choice in turn.choices for a in choice.attempts]
    candidates = [c for attempt in attempts for c in attempt.candidates]
    prompt = max((c.prompt_tokens or 0 for c in candidates), default=0) or turn.prompt_tokens
    generated = sum(c.completion_tokens or 0 for c in candidates)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": generated,
        "total_tokens": prompt + generated,
    }


def plumbline(turn: Turn, policy_version: str) -> dict[str, Any]:
    """Our reply field; decision and verdict are those of the first choice, `choices` has them all
    where there are several."""
    first = turn.choices[0]
    body = _decision(first) | {
        "policy_version": policy_version,
        "stream_mode": turn.request.plumbline.stream_mode,
        "passages": [passage.to_wire() for passage in turn.evidence.passages],
    }
    if len(turn.choices) > 1:
        body["choices"] = [_decision(choice) for choice in turn.choices]
    if turn.request.plumbline.show_candidates:
        body["candidates"] = [
            candidate for number, c in enumerate(turn.choices) for candidate in _shown(number, c)
        ]
    return body


def error_body(error: PlumblineError, kind: str = "invalid_request_error") -> dict[str, Any]:
    """OpenAI's error object."""
    return {
        "error": {
            "message": error.message,
            "type": kind,
            "param": error.param,
            "code": error.code,
        }
    }


def _decision(choice: Choice) -> dict[str, Any]:
    decision = choice.decision
    return {
        "answered": choice.answered,
        "decision": "refuse" if isinstance(decision, Refuse) else "serve",
        "reason": decision.reason if isinstance(decision, Refuse) else None,
        "review": isinstance(decision, Serve) and decision.review,
        "attempts": len(choice.attempts),
        "verdict": choice.judgement.to_wire(),
    }


def _shown(number: int, choice: Choice) -> list[dict[str, Any]]:
    """Candidates for the caller. What broke a hard rule is named, but its text stays inside."""
    return [
        {
            "id": attempt.ids[ordinal],
            "choice": number,
            "attempt": round_number,
            "served": attempt is choice.attempts[-1] and choice.served == ordinal,
            "content": candidate.text if getattr(judgement, "acceptable", False) else None,
            "verdict": judgement.to_wire(),
        }
        for round_number, attempt in enumerate(choice.attempts)
        for ordinal, (candidate, judgement) in enumerate(
            zip(attempt.candidates, attempt.judgements, strict=True)
        )
    ]


def _chunk(
    turn: Turn, index: int, delta: dict[str, Any], finish_reason: str | None = None
) -> dict[str, Any]:
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return _frame(turn) | {"choices": [choice]}


def _frame(turn: Turn) -> dict[str, Any]:
    return {
        "id": turn.id,
        "object": "chat.completion.chunk",
        "created": int(turn.created),
        "model": MODEL,
    }
