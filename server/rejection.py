"""What validation found, as OpenAI says it: a sentence that names the field and how to mend it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from contract.errors import RequestRejected
from contract.wire import FieldError

Problem = Mapping[str, Any]

# What a type error of pydantic's says that it expected.
_EXPECTED = {
    "string": "a string",
    "int": "an integer",
    "int_from": "an integer",
    "float": "a number",
    "finite_number": "a finite number",
    "bool": "a boolean",
    "list": "an array",
    "tuple": "an array",
    "dict": "an object",
    "model": "an object",
    "model_attributes": "an object",
}
_BOUNDS = {
    "greater_than": ("below minimum", ">", "gt"),
    "greater_than_equal": ("below minimum", ">=", "ge"),
    "less_than": ("above maximum", "<", "lt"),
    "less_than_equal": ("above maximum", "<=", "le"),
}
_OUTSIDE = ("body", "query", "path", "header")


def rejection(problems: Sequence[Problem], body: object = None) -> RequestRejected:
    """The first problem that validation found.

    Args:
        problems: what pydantic's `errors()` gives.
        body: what was validated; with it, the names of union branches in a place can be told from
            those of fields.
    """
    first = problems[0]
    if first["type"] == "json_invalid":
        reason = first.get("ctx", {}).get("error", "it ends too early")
        return RequestRejected(f"The body is not valid JSON: {reason}.", code="invalid_json")
    here = _path(first, body)
    # Each branch of a union says what it misses; the one that got farthest is the one that was meant.
    places = [(_path(problem, body), problem) for problem in problems]
    inside = [place for place in places if place[0][: len(here)] == here]
    deepest = max(len(path) for path, _ in inside)
    path, _ = next(place for place in inside if len(place[0]) == deepest)
    return _said(_param(path), [problem for found, problem in inside if found == path])


def _said(param: str | None, problems: list[Problem]) -> RequestRejected:
    """The problems at one place: one that is more than a wrong type, else all that would have fitted."""
    chosen = next((p for p in problems if not _alternatives(p)), None)
    if chosen is None and len(problems) > 1:
        return _none_fits(param, problems)
    problem = chosen or problems[0]
    kind, context = str(problem["type"]), problem.get("ctx", {})
    if kind == "missing":
        text = (
            f"Missing required parameter: '{param}'."
            if param
            else "The body is missing: send a JSON object."
        )
        return RequestRejected(text, code="missing_required_parameter", param=param)
    if kind == "extra_forbidden":
        where = "query parameter" if problem["loc"][0] == "query" else "parameter"
        return RequestRejected(
            f"Unknown {where}: '{param}'. It is not supported, and ignoring it would change the "
            "answer; leave it out.",
            code="unknown_parameter",
            param=param,
        )
    if kind == "none_required":
        return RequestRejected(
            f"'{param}' is not supported; leave it out.", code="unsupported_parameter", param=param
        )
    if kind in _BOUNDS:
        return _out_of_bounds(param, problem)
    if kind.endswith(("_too_short", "_too_long")) or kind in ("too_short", "too_long"):
        return _of_wrong_length(param, problem)
    if kind == "literal_error":
        return _unknown_value(param, problem["input"], str(context["expected"]))
    if kind == "union_tag_invalid":
        return _unknown_value(f"{param}.type", context["tag"], str(context["expected_tags"]))
    if kind == "union_tag_not_found":
        return _said(f"{param}.type", [{"type": "missing"}])
    if _expected(kind) is not None:
        return _of_wrong_type(param, problem)
    if kind == "string_pattern_mismatch":
        return RequestRejected(
            f"Invalid '{param}': string does not match pattern. Expected a string that matches the "
            f"pattern '{context['pattern']}'.",
            code="invalid_value",
            param=param,
        )
    return _own(param, problem)


def _own(param: str | None, problem: Problem) -> RequestRejected:
    """What our own validators say: half a sentence about the field, or a whole one about the body."""
    error = problem.get("ctx", {}).get("error")
    message = str(problem["msg"]).removeprefix("Value error, ")
    if isinstance(error, FieldError):
        param = f"{param}.{error.param}" if param else error.param
        if error.code == "unsupported_parameter":
            text = f"Unsupported parameter: '{param}' is not supported: {message}."
            return RequestRejected(text, code=error.code, param=param)
        return RequestRejected(f"Invalid '{param}': {message}.", code=error.code, param=param)
    if param:
        return RequestRejected(f"Invalid '{param}': {message}.", param=param)
    return RequestRejected(f"{message[:1].upper()}{message[1:]}.")


def _none_fits(param: str | None, problems: list[Problem]) -> RequestRejected:
    wanted = list(dict.fromkeys(one for problem in problems for one in _alternatives(problem)))
    several = f"{', '.join(wanted[:-1])} or {wanted[-1]}" if len(wanted) > 1 else wanted[0]
    got = _shown(problems[0]["input"])
    return RequestRejected(
        f"Invalid value for '{param}': expected {several}, but got {got} instead.",
        code="invalid_value",
        param=param,
    )


def _alternatives(problem: Problem) -> list[str]:
    """What a branch of a union would have taken; nothing where its problem is not the type."""
    if problem["type"] == "literal_error":
        return re.findall(r"'[^']*'|\w+", str(problem["ctx"]["expected"]).replace(" or ", " "))
    expected = _expected(str(problem["type"]))
    return [expected] if expected else []


def _expected(kind: str) -> str | None:
    stem, _, ending = kind.rpartition("_")
    return _EXPECTED.get(kind) or (
        _EXPECTED.get(stem) if ending in ("type", "parsing", "float") else None
    )


def _unknown_value(param: str | None, value: object, supported: str) -> RequestRejected:
    return RequestRejected(
        f"Invalid value for '{param}': {_shown(value)}. Supported values are: "
        f"{supported.replace(' or ', ' and ')}.",
        code="invalid_value",
        param=param,
    )


def _of_wrong_type(param: str | None, problem: Problem) -> RequestRejected:
    where = f"'{param}'" if param else "the body"
    return RequestRejected(
        f"Invalid type for {where}: expected {_expected(str(problem['type']))}, but got "
        f"{_kind(problem['input'])} instead.",
        code="invalid_type",
        param=param,
    )


def _out_of_bounds(param: str | None, problem: Problem) -> RequestRejected:
    side, sign, name = _BOUNDS[str(problem["type"])]
    limit, value = problem["ctx"][name], problem["input"]
    kind = "integer" if isinstance(limit, int) else "decimal"
    limit = int(limit) if limit == int(limit) else limit
    return RequestRejected(
        f"Invalid '{param}': {kind} {side} value. Expected a value {sign} {limit}, but got "
        f"{_shown(value)} instead.",
        code=f"{kind}_{side.replace(' ', '_').removesuffix('imum')}_value",
        param=param,
    )


def _of_wrong_length(param: str | None, problem: Problem) -> RequestRejected:
    kind, context = str(problem["type"]), problem["ctx"]
    long = kind.endswith("too_long")
    limit = context["max_length" if long else "min_length"]
    what = _kind(problem["input"])
    noun = what.split()[-1]
    length = len(problem["input"]) if hasattr(problem["input"], "__len__") else 0
    code = f"{noun}_above_max_length" if long else f"empty_{noun}"
    if not long and limit > 1:
        code = f"{noun}_below_min_length"
    return RequestRejected(
        f"Invalid '{param}': {noun} too {'long' if long else 'short'}. Expected {what} with "
        f"{'maximum' if long else 'minimum'} length {limit}, but got one with length {length} instead.",
        code=code,
        param=param,
    )


def _path(problem: Problem, body: object) -> tuple[str | int, ...]:
    """The place of a problem in the body. A step that pydantic puts in for the branch of a union is left
    out; it may bear the name of a field, so a step counts as a field where the next one is in it."""
    steps = list(problem.get("loc", ()))
    if steps and steps[0] in _OUTSIDE:
        steps = steps[1:]
    if body is None:
        return tuple(steps)
    found: list[str | int] = []
    value = body
    for step, following in zip(steps, [*steps, None][1:], strict=True):
        if following is None and problem["type"] == "missing":
            found.append(step)
        elif _has(value, step) and (
            following is None or _has(value[step], following) or not _has(value, following)  # type: ignore[index]
        ):
            value = value[step]  # type: ignore[index]
            found.append(step)
    return tuple(found)


def _has(value: object, step: str | int) -> bool:
    if isinstance(value, dict):
        return step in value
    return isinstance(value, list) and isinstance(step, int) and step < len(value)


def _param(path: Sequence[str | int]) -> str | None:
    """A path as OpenAI writes it: `messages[0].content[1].image_url`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".") or None


def _kind(value: object) -> str:
    if value is None:
        return "null"
    kinds: dict[type, str] = {
        bool: "a boolean",
        str: "a string",
        int: "an integer",
        float: "a decimal",
        list: "an array",
        tuple: "an array",
        dict: "an object",
    }
    return next((name for kind, name in kinds.items() if isinstance(value, kind)), "something else")


def _shown(value: object) -> str:
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else f"{value[:60]}…")
    return str(value).lower() if isinstance(value, bool | int | float) else _kind(value)
