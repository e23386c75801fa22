"""The wire types of `/v1/chat/completions`: OpenAI's, with ours beside them."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from contract.filters import Filter
from contract.verdict import ResponseType

Stop = Annotated[str, Field(min_length=1, max_length=1000)]
_MAX_INT = 2**53 - 1


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
        if _is_deep(data):
            raise ValueError(f"it is nested more than {_MOST_LEVELS} levels deep")
        try:
            json.dumps(data, ensure_ascii=False, default=str).encode()
        except UnicodeEncodeError as error:
            raise ValueError(
                "a text holds half of a surrogate pair, which is no character"
            ) from error
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


class Message(Wire):
    """One turn of the conversation. `name` and `refusal` are accepted as OpenAI's clients send them."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[TextPart] | None = None
    name: str | None = None
    refusal: str | None = None
    annotations: list[dict[str, Any]] | None = None

    @property
    def text(self) -> str:
        """The content as one string."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content)
        return self.content or self.refusal or ""


class StreamOptions(Wire):
    include_usage: bool = False
    include_obfuscation: bool | None = None


class PlumblineOptions(Wire):
    """Our request field. `None` takes the server's setting."""

    collection: str | None = None
    k: Annotated[int, Field(ge=1, le=50)] | None = None
    candidates: Annotated[int, Field(ge=1, le=16)] | None = None
    max_sentences: Annotated[int, Field(ge=1, le=10)] | None = None
    stream_mode: Literal["verified"] = "verified"
    show_candidates: bool = False
    response_type: ResponseType | None = None
    filters: Filter | None = None


class ChatRequest(OpenAIBody):
    """A chat completion request.

    `logprobs`, `tools` and audio are not fields here: a request that carries them is refused with a
    400 that names them, rather than answered as if they had not been sent.
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
    response_format: dict[str, Any] | None = None
    user: str | None = None
    safety_identifier: str | None = None
    metadata: dict[str, str] | None = None
    store: bool | None = None
    plumbline: PlumblineOptions = PlumblineOptions()

    @model_validator(mode="after")
    def _asks_something(self) -> ChatRequest:
        last = self.messages[-1]
        if last.role != "user" or not last.text.strip():
            raise ValueError("the last message must be the user's and hold text")
        if self.stream_options is not None and not self.stream:
            raise ValueError("stream_options is only allowed when stream is true")
        if self.store is False:
            raise ValueError("store=false can't be honoured: every turn is logged")
        return self

    @property
    def question(self) -> str:
        """The last thing that the user said."""
        return self.messages[-1].text

    @property
    def earlier(self) -> str:
        """The user's question before the last one, or an empty string."""
        asked = [m.text for m in self.messages[:-1] if m.role == "user"]
        return asked[-1] if asked else ""

    @property
    def previous_answer(self) -> str:
        """What the assistant said last, or an empty string."""
        said = [m.text for m in self.messages[:-1] if m.role == "assistant"]
        return said[-1] if said else ""

    def person(self, key_name: str = "") -> str:
        """Who asks: `safety_identifier`, else `user`, else the key's name, else `unknown`."""
        return self.safety_identifier or self.user or key_name or "unknown"

    @property
    def repeats_answers(self) -> bool:
        """Does the conversation hold earlier answers?"""
        return any(m.role == "assistant" and m.text for m in self.messages)

    @property
    def stops(self) -> tuple[str, ...]:
        """The stop sequences as a tuple."""
        if self.stop is None:
            return ()
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop)
