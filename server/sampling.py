"""What a request asks of the policy: how to sample, how often, and whether it fits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from contract.candidate import Prompt, Sampling
from contract.chat import ChatRequest
from contract.errors import ContextTooLong
from contract.settings import Settings
from contract.tools import passed_on
from server.parts import Parts

# What the answer itself is assumed to need when the request sets no limit.
_ANSWER_TOKENS = 256
_MOST_CHARACTERS = 8
# No tokenizer in use makes more tokens than this of a text, on the whole of a prompt.
_BYTES_PER_TOKEN = 2
# OpenAI's words; clients know by them, not by the code, that a conversation must be cut.
_CONTEXT = "This model's maximum context length is {} tokens."

# Fields that change nothing here: the policy does what they ask.
PASSED_ON = (
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "response_format",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "reasoning_effort",
    "top_k",
    "min_p",
    "repetition_penalty",
    "min_tokens",
    "structured_outputs",
    "chat_template_kwargs",
)


def candidates_of(request: ChatRequest, settings: Settings) -> tuple[int, int]:
    """Answers to sample for each choice: at first, and at most.

    The two differ with `auto`, which spends more only where the first verdicts disagree or fall short.
    """
    asked = request.plumbline.candidates or settings.candidates
    if mode_of(request, settings) == "windowed":
        return 1, 1
    if asked == "auto":
        most = settings.policy.auto_candidates
        return min(settings.policy.auto_first, most), most
    return asked, asked


def mode_of(request: ChatRequest, settings: Settings) -> str:
    """How a stream goes out. The server's `windowed` is for requests that it can serve so."""
    asked = request.plumbline.stream_mode
    if asked is not None or settings.server.stream_mode == "verified":
        return asked or "verified"
    fits = request.stream and request.n == 1 and not request.logprobs
    return "windowed" if fits and request.plumbline.candidates in (None, 1) else "verified"


def sampling_of(request: ChatRequest, settings: Settings) -> Sampling:
    """The sampling as the caller asked for it."""
    extra: dict[str, Any] = {
        name: _plain(value) for name in PASSED_ON if (value := getattr(request, name)) is not None
    }
    extra |= passed_on(request.tools, request.tool_choice)
    if extra.get("response_format") == {"type": "text"}:
        del extra["response_format"]
    return Sampling(
        temperature=request.temperature,
        top_p=request.top_p,
        max_tokens=_limit_of(request),
        stop=request.stops,
        seed=request.seed,
        max_sentences=request.plumbline.max_sentences or settings.reader.max_sentences,
        logprobs=bool(request.logprobs) or settings.decision.select_by == "mean_logprob",
        affinity=request.prompt_cache_key,
        extra=extra,
    )


def varied(sampling: Sampling, settings: Settings, first: int) -> Sampling:
    """The same with a temperature and nucleus of our own, for candidates that are to differ."""
    return replace(
        sampling,
        temperature=settings.policy.temperature,
        top_p=settings.policy.top_p,
        seed=None if sampling.seed is None else sampling.seed + first,
        first=first,
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
            f"{_CONTEXT.format(limit)} However, your messages have {size} characters, which can't be so "
            "few tokens. Please send a shorter conversation.",
            param="messages",
        )


async def check_context(prompt: Prompt, request: ChatRequest, parts: Parts) -> None:
    """Turn a prompt away that does not fit with its answer; some servers would cut it in silence.

    Tokens are counted, as the encoder counts them, only where it may be close.

    Raises:
        ContextTooLong: prompt and answer do not fit the policy's context.
    """
    limit = await parts.policy.context_tokens()
    asked = _limit_of(request)
    wanted = asked or min(_ANSWER_TOKENS, limit // 4)
    if sum(len(text.encode()) for text in prompt.texts) // _BYTES_PER_TOKEN + wanted <= limit:
        return
    tokens = await parts.count_tokens(prompt.texts)
    if tokens + wanted > limit:
        raise ContextTooLong(
            f"{_CONTEXT.format(limit)} However, your messages result in about {tokens} tokens with the "
            f"retrieved passages{f', and you ask for {asked} more' if asked else ''}. Please send a "
            "shorter conversation, or lower max_tokens.",
            param="messages",
        )


def _plain(value: Any) -> Any:
    """The value as JSON has it."""
    return (
        value.model_dump(exclude_none=True, by_alias=True)
        if isinstance(value, BaseModel)
        else value
    )


def _limit_of(request: ChatRequest) -> int | None:
    return request.max_completion_tokens or request.max_tokens
