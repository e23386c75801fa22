"""The wire types of `/v1/chat/completions`: OpenAI's, with ours beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, model_validator

from contract.filters import Filter
from contract.verdict import ResponseType

Stop = Annotated[str, Field(min_length=1, max_length=1000)]
_MAX_INT = 2**53 - 1

# OpenAI's bounds: 16 pairs, names of 64 and values of 512 characters.
Metadata = Annotated[
    dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]],
    Field(max_length=16),
]


class Wire(BaseModel):
    """A wire type: a field that it does not know is an error, never silently dropped."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# Deeper than this no request of sense is nested, and the log could not hold it.
_MOST_LEVELS = 64


class Body(Wire):
    """A whole request body: what no file could hold is turned away at the door."""

    @model_validator(mode="before")
    @classmethod
    def _can_be_stored(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        try:
            orjson.dumps(data)
        except orjson.JSONEncodeError as error:
            if _is_deep(data):
                reason = f"it is nested more than {_MOST_LEVELS} levels deep"
            else:
                reason = f"it can't be stored as JSON: {error}"
            raise ValueError(reason) from error
        return data


def _is_deep(data: Any) -> bool:
    level = [data]
    for _ in range(_MOST_LEVELS):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return bool(level)


class OpenAIBody(Body):
    """A body that OpenAI's clients send; they may send null for what is not set."""

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {name: value for name, value in data.items() if value is not None}


class TextPart(Wire):
    type: Literal["text"]
    text: str


class RefusalPart(Wire):
    type: Literal["refusal"]
    refusal: str

    @property
    def text(self) -> str:
        return self.refusal


class ImageURL(Wire):
    url: str
    detail: Literal["auto", "low", "high"] | None = None


class ImagePart(Wire):
    """A picture for a policy that takes images; the judge and the retrieval read only texts."""

    type: Literal["image_url"]
    image_url: ImageURL

    @property
    def text(self) -> str:
        return ""


Part = Annotated[TextPart | RefusalPart | ImagePart, Field(discriminator="type")]


class FunctionCall(Wire):
    name: str
    arguments: str


class ToolCall(Wire):
    """A call that the policy made in an earlier turn."""

    id: str
    type: Literal["function"] = "function"
    function: FunctionCall


class Message(Wire):
    """One turn of the conversation, as OpenAI's clients send it and as they send ours back."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[Part] | None = None
    name: str | None = None
    refusal: str | None = None
    annotations: list[dict[str, Any]] | None = None
    tool_calls: Annotated[list[ToolCall], Field(min_length=1, max_length=128)] | None = None
    tool_call_id: str | None = None
    reasoning_content: str | None = None
    audio: None = None
    function_call: None = None

    @model_validator(mode="after")
    def _fits_its_role(self) -> Message:
        if self.role == "tool" and not self.tool_call_id:
            raise ValueError(
                "a tool message needs tool_call_id, the id of the call that it answers"
            )
        if self.role != "tool" and self.tool_call_id:
            raise ValueError("tool_call_id belongs to messages of the role tool")
        if self.role != "assistant" and (self.tool_calls or self.refusal):
            raise ValueError("tool_calls and refusal belong to messages of the role assistant")
        if self.role != "user" and self.images:
            raise ValueError("only the user's messages may hold images")
        if self.role in ("system", "developer", "user", "tool") and self.content is None:
            raise ValueError(f"a message of the role {self.role} needs content")
        return self

    @property
    def text(self) -> str:
        """The content as one string."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content if part.text)
        return self.content or self.refusal or ""

    @property
    def images(self) -> tuple[ImagePart, ...]:
        """The pictures in it."""
        if not isinstance(self.content, list):
            return ()
        return tuple(part for part in self.content if isinstance(part, ImagePart))


class StreamOptions(Wire):
    include_usage: bool = False
    include_obfuscation: bool | None = None


class PlumblineOptions(Wire):
    """Our request field. `None` takes the server's setting.

    `candidates` "auto" samples more only where the first verdicts disagree or fall short; `retrieve`
    false answers without documents, with the messages as they came.
    """

    collection: str | None = None
    k: Annotated[int, Field(ge=1, le=50)] | None = None
    candidates: Annotated[int, Field(ge=1, le=16)] | Literal["auto"] | None = None
    max_sentences: Annotated[int, Field(ge=1, le=10)] | None = None
    stream_mode: Literal["verified", "windowed"] | None = None
    show_candidates: bool = False
    response_type: ResponseType | None = None
    filters: Filter | None = None
    retrieve: bool | None = None


# What OpenAI's API knows and Plumbline does not do, with the reason that the caller reads.
REFUSED: Mapping[str, str] = {
    "audio": "Plumbline answers with text only",
    "function_call": "it is deprecated; send tool_choice",
    "functions": "it is deprecated; send tools",
    "moderation": "every answer is judged by the rubric of this server",
    "prediction": "no policy here takes predicted outputs",
    "prompt_cache_retention": "the engine keeps its cache as long as it has room",
    "web_search_options": "answers come from the documents of this server",
}


class FunctionTool(Wire):
    """A function that the policy may call; its schema passes through as it is."""

    type: Literal["function"]
    function: dict[str, Any]


class ChatRequest(OpenAIBody):
    """A chat completion request.

    Each field is honoured, or passed on to a policy that must honour it, or not a field here: then the
    request is refused with a 400 that names it, rather than answered as if it had not been sent. The
    last group is what vLLM takes beside OpenAI's fields.
    """

    model: str
    messages: Annotated[list[Message], Field(min_length=1)]
    stream: bool = False
    stream_options: StreamOptions | None = None
    n: Annotated[int, Field(ge=1, le=8)] = 1
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=_MAX_INT)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1, le=_MAX_INT)] | None = None
    stop: Stop | Annotated[list[Stop], Field(max_length=4)] | None = None
    seed: Annotated[int, Field(ge=-_MAX_INT, le=_MAX_INT)] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    logit_bias: dict[str, float] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    response_format: dict[str, Any] | None = None
    tools: Annotated[list[FunctionTool], Field(min_length=1, max_length=128)] | None = None
    tool_choice: Literal["none", "auto", "required"] | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"] | None = None
    user: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: Annotated[str, Field(max_length=512)] | None = None
    metadata: Metadata | None = None
    store: bool | None = None
    service_tier: Literal["auto", "default"] | None = None
    modalities: list[Literal["text"]] | None = None
    verbosity: Literal["medium"] | None = None
    plumbline: PlumblineOptions = PlumblineOptions()

    top_k: Annotated[int, Field(ge=-1)] | None = None
    min_p: Annotated[float, Field(ge=0, le=1)] | None = None
    repetition_penalty: Annotated[float, Field(gt=0, le=2)] | None = None
    min_tokens: Annotated[int, Field(ge=0, le=_MAX_INT)] | None = None
    structured_outputs: dict[str, Any] | None = None
    chat_template_kwargs: dict[str, Any] | None = None

    @model_validator(mode="before")
    @classmethod
    def _says_why_not(cls, data: Any) -> Any:
        for name in REFUSED.keys() & (data.keys() if isinstance(data, dict) else ()):
            if data[name] is not None:
                raise ValueError(f"{name} is not supported: {REFUSED[name]}")
        return data

    @model_validator(mode="after")
    def _asks_something(self) -> ChatRequest:
        last = self.messages[-1]
        if last.role not in ("user", "tool"):
            raise ValueError("the last message must be the user's, or the result of a tool")
        asked = [m for m in self.messages if m.role == "user"]
        if not asked or not (asked[-1].text.strip() or asked[-1].images):
            raise ValueError("the user's last message must hold text")
        return self

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> ChatRequest:
        options = self.plumbline
        if self.stream_options is not None and not self.stream:
            raise ValueError("stream_options is only allowed when stream is true")
        if self.store is False:
            raise ValueError("store=false can't be honoured: every turn is logged")
        if self.top_logprobs is not None and not self.logprobs:
            raise ValueError("top_logprobs needs logprobs to be true")
        if not self.tools and (self.tool_choice not in (None, "none")):
            raise ValueError("tool_choice needs tools")
        if options.stream_mode == "windowed":
            if not self.stream:
                raise ValueError("plumbline.stream_mode windowed needs stream to be true")
            if self.n > 1 or options.candidates not in (None, 1):
                raise ValueError(
                    "plumbline.stream_mode windowed streams one answer while it is written: "
                    "n and plumbline.candidates must be 1"
                )
            if self.logprobs:
                raise ValueError("logprobs need plumbline.stream_mode verified")
        return self

    @property
    def asked(self) -> int:
        """The place of the user's last message."""
        return max(i for i, m in enumerate(self.messages) if m.role == "user")

    @property
    def question(self) -> str:
        """The last thing that the user said."""
        return self.messages[self.asked].text

    @property
    def earlier(self) -> str:
        """The user's question before the last one, or an empty string."""
        before = [m.text for m in self.messages[: self.asked] if m.role == "user"]
        return before[-1] if before else ""

    @property
    def previous_answer(self) -> str:
        """What the assistant said before the question, or an empty string."""
        said = [m.text for m in self.messages[: self.asked] if m.role == "assistant"]
        return said[-1] if said else ""

    def person(self, key_name: str = "") -> str:
        """Who asks: `safety_identifier`, else `user`, else the key's name, else `unknown`."""
        return self.safety_identifier or self.user or key_name or "unknown"

    @property
    def repeats_answers(self) -> bool:
        """Does the conversation hold earlier answers?"""
        return any(m.role == "assistant" and (m.text or m.tool_calls) for m in self.messages)

    @property
    def has_images(self) -> bool:
        """Does any message hold a picture?"""
        return any(isinstance(m.content, list) and m.images for m in self.messages)

    @property
    def stops(self) -> tuple[str, ...]:
        """The stop sequences as a tuple."""
        if self.stop is None:
            return ()
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop)
