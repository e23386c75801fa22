"""The tools of a request, and what it says about calling them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from contract.wire import FieldError, Wire

Name = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]+$", max_length=64)]


class Function(Wire):
    """A function as the policy is told of it; its parameters are a JSON schema, which passes through."""

    name: Name
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class FunctionTool(Wire):
    """A function that the policy may call."""

    type: Literal["function"]
    function: Function

    @model_validator(mode="before")
    @classmethod
    def _is_no_other_tool(cls, data: Any) -> Any:
        kind = data.get("type", "function") if isinstance(data, dict) else "function"
        if kind != "function":
            raise FieldError(
                "type",
                f"tools of the type {kind!r} are not supported; describe it as a function",
                "unsupported_value",
            )
        return data


class Named(Wire):
    name: Name


class OneFunction(Wire):
    """This function must be called."""

    type: Literal["function"]
    function: Named


class Allowed(Wire):
    mode: Literal["auto", "required"]
    tools: Annotated[list[OneFunction], Field(min_length=1, max_length=128)]


class AllowedTools(Wire):
    """Only these of the tools may be called."""

    type: Literal["allowed_tools"]
    allowed_tools: Allowed


def _kind_of_choice(data: Any) -> str | None:
    kind = data.get("type") if isinstance(data, dict) else getattr(data, "type", "word")
    return kind if isinstance(kind, str) else None


def _check_kind(data: Any) -> Any:
    kind = data.get("type") if isinstance(data, dict) else "function"
    if kind not in ("function", "allowed_tools"):
        raise FieldError(
            "type", f"it can be 'function' or 'allowed_tools', not {kind!r}", "unsupported_value"
        )
    return data


Tools = Annotated[list[FunctionTool], Field(min_length=1, max_length=128)]
ToolChoice = Annotated[
    Annotated[Literal["none", "auto", "required"], Tag("word")]
    | Annotated[OneFunction, Tag("function")]
    | Annotated[AllowedTools, Tag("allowed_tools")],
    Discriminator(_kind_of_choice),
    BeforeValidator(_check_kind),
]


def check_tools(tools: list[FunctionTool] | None, choice: ToolChoice | None) -> None:
    """Each tool has a name of its own, and a choice names tools that are there.

    Raises:
        FieldError: something of this is not so.
    """
    names = [tool.function.name for tool in tools or ()]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise FieldError(f"tools[{place}].function.name", f"there are two tools {name!r}")
    if choice is None or choice == "none":
        return
    if not tools:
        raise FieldError("tool_choice", "it is only allowed when 'tools' are given")
    chosen: list[OneFunction] = []
    if isinstance(choice, OneFunction):
        chosen = [choice]
    elif isinstance(choice, AllowedTools):
        chosen = choice.allowed_tools.tools
    for one in chosen:
        if one.function.name not in names:
            raise FieldError("tool_choice", f"there is no tool {one.function.name!r} in 'tools'")


def passed_on(tools: list[FunctionTool] | None, choice: ToolChoice | None) -> dict[str, Any]:
    """`tools` and `tool_choice` for the policy. `allowed_tools`, which model servers do not know, becomes
    the list of the allowed ones."""
    if isinstance(choice, AllowedTools):
        allowed = {one.function.name for one in choice.allowed_tools.tools}
        tools = [tool for tool in tools or () if tool.function.name in allowed]
        choice = choice.allowed_tools.mode
    passed: dict[str, Any] = {}
    if tools:
        passed["tools"] = [tool.model_dump(exclude_none=True) for tool in tools]
    if choice is not None:
        passed["tool_choice"] = choice if isinstance(choice, str) else choice.model_dump()
    return passed
