"""What model servers answer, as candidates and pieces: every field checked, none trusted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from contract.candidate import Candidate, Piece
from contract.errors import PolicyUnavailable

# The names under which servers give what a reasoning model thought.
_REASONING = ("reasoning_content", "reasoning")


def candidates_of(reply: Mapping[str, Any], url: str) -> list[Candidate]:
    """The choices of a whole reply.

    Raises:
        PolicyUnavailable: it holds none, or odd ones.
    """
    choices = reply.get("choices")
    if not isinstance(choices, list) or not choices:
        raise PolicyUnavailable(f"The policy server {url} answered no choices.")
    if not all(isinstance(choice, dict) for choice in choices):
        raise PolicyUnavailable(f"The policy server {url} answered odd choices.")
    usage = _Usage(reply.get("usage"))
    return [_candidate(choice, usage, len(choices)) for choice in choices]


async def pieces(chunks: AsyncIterator[Mapping[str, Any]]) -> AsyncIterator[Piece]:
    """The first choice of a stream; tool calls, finish reason and usage come whole in the last piece."""
    calls = _ToolCalls()
    finish, usage = "stop", _Usage(None)
    async for chunk in chunks:
        if isinstance(chunk.get("usage"), dict):
            usage = _Usage(chunk["usage"])
        choices = chunk.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            continue
        choice = choices[0]
        finish = str(choice.get("finish_reason") or finish)
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            continue
        calls.add(delta.get("tool_calls"))
        text, reasoning = _text(delta), _reasoning(delta)
        if text or reasoning:
            yield Piece(text, reasoning)
    yield Piece(
        tool_calls=calls.finished(),
        finish_reason=finish,
        prompt_tokens=usage.prompt,
        completion_tokens=usage.completion,
        cached_tokens=usage.cached,
    )


class _Usage:
    """Token counts of a reply, None where the server gives none."""

    def __init__(self, usage: object) -> None:
        usage = usage if isinstance(usage, dict) else {}
        details = usage.get("prompt_tokens_details")
        details = details if isinstance(details, dict) else {}
        self.prompt = _count(usage.get("prompt_tokens"))
        self.completion = _count(usage.get("completion_tokens"))
        self.cached = _count(details.get("cached_tokens"))


class _ToolCalls:
    """Tool calls put together from deltas, in the order of their index."""

    def __init__(self) -> None:
        self._calls: dict[int, dict[str, str]] = {}

    def add(self, deltas: object) -> None:
        for delta in deltas if isinstance(deltas, list) else ():
            if not isinstance(delta, dict):
                raise PolicyUnavailable("The policy server streamed an odd tool call.")
            index = delta.get("index")
            place = index if isinstance(index, int) else len(self._calls)
            call = self._calls.setdefault(place, {"id": "", "name": "", "arguments": ""})
            function = delta.get("function")
            function = function if isinstance(function, dict) else {}
            call["id"] = str(delta.get("id") or call["id"])
            call["name"] += str(function.get("name") or "")
            call["arguments"] += str(function.get("arguments") or "")

    def finished(self) -> tuple[Mapping[str, Any], ...]:
        return tuple(
            _tool_call({"id": call["id"], "function": call})
            for _, call in sorted(self._calls.items())
        )


def _candidate(choice: Mapping[str, Any], usage: _Usage, choices: int) -> Candidate:
    message = choice.get("message")
    if not isinstance(message, dict):
        raise PolicyUnavailable("The policy server answered a choice without a message.")
    logprobs = choice.get("logprobs")
    calls = message.get("tool_calls")
    return Candidate(
        text=_text(message) or str(message.get("refusal") or ""),
        finish_reason=str(choice.get("finish_reason") or "stop"),
        prompt_tokens=usage.prompt,
        # The usage of several choices is their sum; an even share is the best there is.
        completion_tokens=None if usage.completion is None else usage.completion // choices,
        cached_tokens=usage.cached,
        tool_calls=tuple(_tool_call(call) for call in calls) if isinstance(calls, list) else (),
        reasoning=_reasoning(message),
        logprobs=logprobs if isinstance(logprobs, dict) else None,
    )


def _tool_call(call: object) -> Mapping[str, Any]:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(call, dict) or not isinstance(function, dict) or not function.get("name"):
        raise PolicyUnavailable("The policy server answered an odd tool call.")
    return {
        "id": str(call.get("id") or ""),
        "type": "function",
        "function": {
            "name": str(function["name"]),
            "arguments": str(function.get("arguments") or ""),
        },
    }


def _text(message: Mapping[str, Any]) -> str:
    text = message.get("content") or ""
    if isinstance(text, list):
        text = "".join(str(part.get("text", "")) for part in text if isinstance(part, dict))
    return str(text)


def _reasoning(message: Mapping[str, Any]) -> str:
    return next((str(message[name]) for name in _REASONING if message.get(name)), "")


def _count(value: object) -> int | None:
    return value if isinstance(value, int) else None
