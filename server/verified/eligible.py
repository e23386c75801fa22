"""Which requests a verified answer may answer: those that ask for the server's answer and nothing special."""

from __future__ import annotations

from contract.chat import ChatRequest, PlumblineOptions
from server.follow_up import refers_back
from server.parts import Parts

# With any of these the caller wants more than an answer, another one, or one that is formed in some way.
_SPECIAL = (
    "tools",
    "tool_choice",
    "logprobs",
    "top_logprobs",
    "logit_bias",
    "structured_outputs",
    "chat_template_kwargs",
    "min_tokens",
)
# What of our field changes nothing about who answers.
_HARMLESS = {"collection": None, "stream_mode": None, "retrieve": None, "show_candidates": False}


def eligible(request: ChatRequest, parts: Parts) -> bool:
    """May a verified answer answer this request?"""
    if request.n > 1 or request.has_images or not parts.retrieves(request):
        return False
    if any(getattr(request, name) for name in _SPECIAL):
        return False
    if request.response_format is not None and request.response_format.get("type") != "text":
        return False
    if request.plumbline.model_copy(update=_HARMLESS) != PlumblineOptions():
        return False
    if request.asked != len(request.messages) - 1:
        return False
    alone = len([m for m in request.messages if m.role in ("user", "assistant", "tool")]) == 1
    return alone or not refers_back(request.question)


def instructions_of(request: ChatRequest) -> str:
    """The system messages: who gives other instructions may want another answer."""
    said = [m.text.strip() for m in request.messages if m.role in ("system", "developer")]
    return "\n\n".join(text for text in said if text)


async def fits(request: ChatRequest, answer: str, parts: Parts) -> bool:
    """Does an answer keep to the stop sequences and the length that a request sets?"""
    if any(stop in answer for stop in request.stops):
        return False
    limit = request.max_completion_tokens or request.max_tokens
    return limit is None or await parts.count_tokens([answer]) <= limit
