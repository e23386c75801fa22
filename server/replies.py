"""A finished turn on the wire: OpenAI's shapes, with `plumbline` beside them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from typing import Any

import orjson

from contract.errors import PlumblineError
from contract.verdict import Assessment, Refuse, Serve, Unjudged, Verdict
from server.live import Live
from server.outcome import Choice, Turn

MODEL = "plumbline"

# The first delta of every choice.
OPENING: dict[str, Any] = {"role": "assistant", "content": "", "refusal": None}

# A stream goes out in pieces of about a word, or a few Han characters.
_PIECE = re.compile(r"\S{1,12}\s*|\s+")

# Padded deltas are a multiple of so many bytes long.
_PADDED = 64


def completion(turn: Turn) -> dict[str, Any]:
    """The body of a `chat.completion`."""
    return {
        "id": turn.id,
        "object": "chat.completion",
        "created": int(turn.created),
        "model": MODEL,
        "choices": [
            {
                "index": index,
                "message": _message(choice),
                "logprobs": _logprobs(turn, choice),
                "finish_reason": choice.finish_reason,
            }
            for index, choice in enumerate(turn.choices)
        ],
        "usage": usage(turn),
        "service_tier": "default",
        "system_fingerprint": fingerprint(turn.policy_version),
        "metadata": turn.request.metadata,
        "plumbline": plumbline(turn),
    }


def chunks(turn: Turn, reply: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The reply of `completion` as `chat.completion.chunk`s: text first, citations in each choice's last
    delta. Of a windowed turn, what has not gone out yet.
    """
    for index, choice in enumerate(turn.choices):
        if not (turn.live.content or turn.live.reasoning):
            yield chunk(turn.live, OPENING, index)
        if not turn.live.windowed:
            if choice.candidate is not None and choice.candidate.reasoning:
                yield chunk(turn.live, {"reasoning_content": choice.candidate.reasoning}, index)
            yield from _text_chunks(turn, index, choice)
        for number, call in enumerate(choice.tool_calls):
            yield chunk(turn.live, {"tool_calls": [{"index": number, **call}]}, index)
        ending = chunk(turn.live, _last_delta(choice), index, choice.finish_reason)
        if index == len(turn.choices) - 1:
            ending["plumbline"] = reply["plumbline"]
        yield ending
    options = turn.request.stream_options
    if options and options.include_usage:
        yield frame(turn.live) | {"choices": [], "usage": reply["usage"]}


def usage(turn: Turn) -> dict[str, Any]:
    """Tokens of the prompt and of what was generated, by the policy's count where it gives one."""
    generated = sum(c.completion_tokens or 0 for c in turn.candidates)
    cached = max((c.cached_tokens or 0 for c in turn.candidates), default=0)
    return {
        "prompt_tokens": turn.prompt_tokens,
        "completion_tokens": generated,
        "total_tokens": turn.prompt_tokens + generated,
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def plumbline(turn: Turn) -> dict[str, Any]:
    """Our reply field; decision and verdict are those of the first choice, `choices` has them all
    where there are several."""
    first = turn.choices[0]
    body = _decision(first) | {
        "policy_version": turn.policy_version,
        "stream_mode": "windowed" if turn.live.windowed else "verified",
        "stages_ms": {name: round(spent * 1000, 1) for name, spent in turn.stages.items()},
        "passages": [passage.to_wire() for passage in turn.evidence.passages],
    }
    if len(turn.choices) > 1:
        body["choices"] = [_decision(choice) for choice in turn.choices]
    if turn.request.plumbline.show_candidates:
        body["candidates"] = [
            candidate for number, c in enumerate(turn.choices) for candidate in _shown(number, c)
        ]
    return body


def chunk(
    live: Live,
    delta: dict[str, Any],
    index: int = 0,
    finish_reason: str | None = None,
    logprobs: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """One `chat.completion.chunk` of a choice."""
    choice = {
        "index": index,
        "delta": delta,
        "logprobs": logprobs,
        "finish_reason": finish_reason,
    }
    piece = frame(live) | {"choices": [choice]}
    if live.shows_usage:
        piece["usage"] = None
    if live.pads:
        piece["obfuscation"] = _padding(delta)
    return piece


def frame(live: Live) -> dict[str, Any]:
    """What all chunks of a completion share."""
    return {
        "id": live.id,
        "object": "chat.completion.chunk",
        "created": int(live.created),
        "model": MODEL,
        "service_tier": "default",
        "system_fingerprint": fingerprint(live.policy_version),
    }


def fingerprint(policy_version: str) -> str:
    """The `system_fingerprint`: it changes with the policy."""
    return f"fp_{policy_version}"


def _padding(delta: dict[str, Any]) -> str:
    """So many random characters that deltas of different lengths make chunks of the same."""
    length = len(orjson.dumps(delta))
    return secrets.token_urlsafe(_PADDED)[: _PADDED - length % _PADDED]


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


def _message(choice: Choice) -> dict[str, Any]:
    calls = choice.tool_calls
    content = choice.cited.content
    message: dict[str, Any] = {
        "role": "assistant",
        "content": content if content or not calls else None,
        "refusal": choice.refusal,
        "annotations": list(choice.cited.annotations),
    }
    if calls:
        message["tool_calls"] = calls
    if choice.candidate and choice.candidate.reasoning:
        message["reasoning_content"] = choice.candidate.reasoning
    return message


def _last_delta(choice: Choice) -> dict[str, Any]:
    last: dict[str, Any] = {"annotations": list(choice.cited.annotations)}
    if choice.refusal:
        last["refusal"] = choice.refusal
    return last


def _text_chunks(turn: Turn, index: int, choice: Choice) -> Iterator[dict[str, Any]]:
    """The text in pieces; with logprobs token by token, where the tokens make up the text that is sent,
    else with all of them before the last delta."""
    content, logprobs = choice.cited.content, _logprobs(turn, choice)
    tokens = (logprobs or {}).get("content") or []
    if tokens and "".join(str(token.get("token")) for token in tokens) == content:
        for token in tokens:
            said = {"content": token["token"]}
            yield chunk(turn.live, said, index, logprobs={"content": [token], "refusal": None})
        return
    for piece in _PIECE.findall(content):
        yield chunk(turn.live, {"content": piece}, index)
    if logprobs is not None:
        yield chunk(turn.live, {}, index, logprobs=logprobs)


def _logprobs(turn: Turn, choice: Choice) -> dict[str, Any] | None:
    """The log-probabilities of the tokens as the policy wrote them, where the caller asked for them."""
    if not turn.request.logprobs or choice.candidate is None or choice.candidate.logprobs is None:
        return None
    return {"refusal": None} | dict(choice.candidate.logprobs)


def _decision(choice: Choice) -> dict[str, Any]:
    decision = choice.decision
    return {
        "answered": choice.answered,
        "decision": "refuse" if isinstance(decision, Refuse) else "serve",
        "reason": decision.reason,
        "review": isinstance(decision, Serve) and decision.review,
        "attempts": len(choice.attempts),
        "turned_down": [
            {"candidates": len(attempt.candidates), "reason": attempt.decision.reason}
            for attempt in choice.attempts[:-1]
        ],
        "sampled": sum(len(attempt.candidates) for attempt in choice.attempts),
        "verdict": _without_quotes(choice.judgement, choice.served is not None),
    }


def _without_quotes(judgement: Assessment, shown: bool) -> dict[str, Any]:
    """A verdict for the caller. It quotes the sentences that decided it, so where the answer may not be
    read, neither may these; the log has them."""
    wire = judgement.to_wire()
    if not shown and isinstance(judgement, Verdict):
        wire |= {"evidence": {}, "refusing_sentences": []}
    return wire


def _shown(number: int, choice: Choice) -> list[dict[str, Any]]:
    """Candidates for the caller. What broke a hard rule is named, but its text stays inside."""
    return [
        {
            "id": attempt.ids[ordinal],
            "choice": number,
            "attempt": round_number,
            "served": attempt is choice.attempts[-1] and choice.served == ordinal,
            "content": candidate.text if _may_be_shown(judgement) else None,
            "mean_logprob": candidate.mean_logprob,
            "verdict": _without_quotes(judgement, _may_be_shown(judgement)),
        }
        for round_number, attempt in enumerate(choice.attempts)
        for ordinal, (candidate, judgement) in enumerate(
            zip(attempt.candidates, attempt.judgements, strict=True)
        )
    ]


def _may_be_shown(judgement: Assessment) -> bool:
    return isinstance(judgement, Unjudged) or (
        isinstance(judgement, Verdict) and judgement.acceptable
    )
