"""The messages of a conversation: OpenAI's, and as its clients send ours back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from contract.wire import FieldError, Wire


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


# What clients put beside a reply's own fields and send back with it: the openai SDK what it parsed of a
# text, LiteLLM the fields that it does not know, those who put a stream together the places of calls. It
# is the same again, so nothing is lost where it goes no further.
Copy = Annotated[Any, Field(exclude=True)]


class FunctionCall(Wire):
    name: str
    arguments: str
    parsed_arguments: Copy = None
    provider_specific_fields: Copy = None


class ToolCall(Wire):
    """A call that the policy made in an earlier turn."""

    id: str
    type: Literal["function"] = "function"
    function: FunctionCall
    index: Copy = None
    provider_specific_fields: Copy = None


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
    parsed: Copy = None
    provider_specific_fields: Copy = None
    audio: None = None
    function_call: None = None

    @model_validator(mode="after")
    def _fits_its_role(self) -> Message:
        if self.role == "tool" and not self.tool_call_id:
            raise FieldError(
                "tool_call_id",
                "a tool message needs the id of the call that it answers",
                "missing_required_parameter",
            )
        if self.role != "tool" and self.tool_call_id:
            raise FieldError("tool_call_id", "it belongs to messages of the role tool")
        for name in ("tool_calls", "refusal"):
            if self.role != "assistant" and getattr(self, name):
                raise FieldError(name, "it belongs to messages of the role assistant")
        if self.role != "user" and self.images:
            raise FieldError("content", "only the user's messages may hold images")
        if self.content is None and not (self.tool_calls or self.refusal):
            unless = " or tool_calls" if self.role == "assistant" else ""
            raise FieldError(
                "content",
                f"a message of the role {self.role} needs content{unless}",
                "missing_required_parameter",
            )
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


def check_conversation(messages: Sequence[Message]) -> None:
    """A conversation ends in a question, or in the results of the tools that were called for one.

    Raises:
        FieldError: it does not, or calls and results do not belong together.
    """
    last = len(messages) - 1
    if messages[last].role not in ("user", "tool"):
        raise FieldError(
            f"messages[{last}].role",
            "the last message must be the user's, or the result of a tool; an answer that was begun is "
            "not carried on",
        )
    asked = [i for i, m in enumerate(messages) if m.role == "user"]
    if not asked:
        raise FieldError("messages", "it needs a message of the role user, the question")
    question = messages[asked[-1]]
    if not (question.text.strip() or question.images):
        raise FieldError(f"messages[{asked[-1]}].content", "the user's last message must hold text")
    _check_calls(messages)


def _check_calls(messages: Sequence[Message]) -> None:
    """Each result answers a call before it, and each call has a result before anybody else speaks."""
    open_calls: dict[str, int] = {}
    for place, message in enumerate(messages):
        if message.role == "tool":
            if open_calls.pop(message.tool_call_id or "", None) is None:
                raise FieldError(
                    f"messages[{place}].tool_call_id",
                    f"no message with tool_calls before it holds an open call {message.tool_call_id!r}",
                )
            continue
        if open_calls:
            break
        open_calls = {call.id: place for call in message.tool_calls or ()}
    for call, place in open_calls.items():
        raise FieldError(
            f"messages[{place}].tool_calls",
            f"the call {call!r} has no result: a message of the role tool must follow for each",
        )
