"""What a request asks of the policy: how to sample, and whether it fits."""

from __future__ import annotations

from contract.candidate import Prompt, Sampling
from contract.chat import ChatRequest
from contract.errors import ContextTooLong
from contract.settings import Settings
from server.parts import Parts

# What the answer itself is assumed to need when the request sets no limit.
_ANSWER_TOKENS = 256
_MOST_CHARACTERS = 8

_PASSED_ON = ("presence_penalty", "frequency_penalty", "logit_bias", "response_format")


def candidates_of(request: ChatRequest, settings: Settings) -> int:
    """Answers to sample for each choice."""
    return request.plumbline.candidates or settings.candidates


def sampling_of(request: ChatRequest, settings: Settings, *, offset: int) -> Sampling:
    """The sampling of one choice; `offset` as in `Sampling`."""
    extra = {name: value for name in _PASSED_ON if (value := getattr(request, name)) is not None}
    if extra.get("response_format") == {"type": "text"}:
        del extra["response_format"]
    return Sampling(
        temperature=request.temperature,
        top_p=request.top_p,
        max_tokens=_limit_of(request),
        stop=request.stops,
        seed=request.seed,
        max_sentences=request.plumbline.max_sentences or settings.reader.max_sentences,
        offset=offset,
        extra=extra,
    )


async def check_size(request: ChatRequest, parts: Parts) -> None:
    """Turn a conversation away that can't fit, before anybody reads it.

    Raises:
        ContextTooLong: it has more than eight characters for each token of the context; no text of
            ours has that many.
    """
    limit = await parts.policy.context_tokens()
    size = sum(len(message.text) for message in request.messages)
    if size > _MOST_CHARACTERS * limit:
        raise ContextTooLong(
            f"The conversation has {size} characters, and the context of the policy is {limit} "
            "tokens. Send a shorter one.",
            param="messages",
        )


async def check_context(prompt: Prompt, request: ChatRequest, parts: Parts) -> int:
    """The tokens of a prompt, as the encoder counts them (the policy's own count may differ).

    Raises:
        ContextTooLong: prompt and answer do not fit the policy's context.
    """
    tokens = await parts.count_tokens([message["content"] for message in prompt.messages])
    limit = await parts.policy.context_tokens()
    asked = _limit_of(request)
    if tokens + (asked or min(_ANSWER_TOKENS, limit // 4)) > limit:
        raise ContextTooLong(
            f"The prompt has about {tokens} tokens with the retrieved passages"
            f"{f' and asks for {asked} more' if asked else ''}, but the context of the policy is "
            f"{limit}. Send a shorter conversation, or lower max_tokens.",
            param="messages",
        )
    return tokens


def _limit_of(request: ChatRequest) -> int | None:
    return request.max_completion_tokens or request.max_tokens
