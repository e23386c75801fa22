"""The wire types of `/v1/chat/completions`: OpenAI's, with ours beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from contract.filters import Filter
from contract.formats import ResponseFormat
from contract.messages import Message, check_conversation
from contract.tools import ToolChoice, Tools, check_tools
from contract.verdict import ResponseType
from contract.wire import FieldError, OpenAIBody, Wire

Stop = Annotated[str, Field(min_length=1, max_length=1000)]
TokenId = Annotated[str, Field(pattern=r"^[0-9]{1,9}$")]
_MAX_INT = 2**53 - 1

# OpenAI's bounds: 16 pairs, names of 64 and values of 512 characters.
Metadata = Annotated[
    dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]],
    Field(max_length=16),
]

# The person of a turn about whom nobody has said anything.
NOBODY = "unknown"


class StreamOptions(Wire):
    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class PlumblineOptions(Wire):
    """Our request field. `None` takes the server's setting.

    `candidates` "auto" samples more only where the first verdicts disagree or fall short; `retrieve`
    false answers without documents, with the messages as they came; `policy` names the version that
    answers, for raters and admins.
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
    policy: Annotated[str, Field(min_length=1, max_length=200)] | None = None


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
    logit_bias: dict[TokenId, Annotated[float, Field(ge=-100, le=100)]] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    response_format: ResponseFormat | None = None
    tools: Tools | None = None
    tool_choice: ToolChoice | None = None
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
                raise FieldError(name, REFUSED[name], "unsupported_parameter")
        return data

    @model_validator(mode="after")
    def _asks_something(self) -> ChatRequest:
        check_conversation(self.messages)
        check_tools(self.tools, self.tool_choice)
        return self

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> ChatRequest:
        options = self.plumbline
        if self.stream_options is not None and not self.stream:
            raise FieldError("stream_options", "it is only allowed when 'stream' is true")
        if self.store is False:
            raise FieldError(
                "store",
                "false can't be honoured, since every turn is logged; a turn can be deleted afterwards",
                "unsupported_value",
            )
        if self.max_tokens is not None and self.max_completion_tokens is not None:
            raise FieldError(
                "max_tokens",
                "it can't be set together with 'max_completion_tokens', its newer name",
            )
        if self.top_logprobs is not None and not self.logprobs:
            raise FieldError("top_logprobs", "it is only allowed when 'logprobs' is true")
        if options.stream_mode == "windowed":
            if not self.stream:
                raise FieldError("plumbline.stream_mode", "windowed needs 'stream' to be true")
            if self.n > 1 or options.candidates not in (None, 1):
                raise FieldError(
                    "plumbline.stream_mode",
                    "windowed streams one answer while it is written: 'n' and 'plumbline.candidates' "
                    "must be 1",
                )
            if self.logprobs:
                raise FieldError("logprobs", "they need 'plumbline.stream_mode' verified")
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
        return self.safety_identifier or self.user or key_name or NOBODY

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
