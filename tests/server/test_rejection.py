"""Nested mistakes read as plain sentences that name the field."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from contract.chat import ChatRequest
from contract.errors import RequestRejected
from contract.feedback import Feedback
from contract.judge import JudgeRequest
from contract.vector_store import SearchRequest
from server.rejection import rejection

USER = [{"role": "user", "content": "q"}]


def refused(kind: type[BaseModel], body: Any) -> RequestRejected:
    with pytest.raises(ValidationError) as raised:
        kind.model_validate(body)
    problems = [dict(problem) for problem in raised.value.errors()]
    return rejection([p | {"loc": ("body", *p["loc"])} for p in problems], body)


def part(*parts: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(parts)}]}


def filtered(value: Any) -> dict[str, Any]:
    return {"plumbline": {"filters": value}}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            part({"type": "input_audio", "input_audio": {}}),
            "Invalid value for 'messages[0].content[0].type': 'input_audio'. Supported values are: "
            "'text', 'refusal', 'image_url'.",
        ),
        (
            part({"type": "text", "text": "x", "cache_control": {}}),
            "Unknown parameter: 'messages[0].content[0].cache_control'. It is not supported, and "
            "ignoring it would change the answer; leave it out.",
        ),
        (
            part({"type": "image_url", "image_url": {"url": 5}}),
            "Invalid type for 'messages[0].content[0].image_url.url': expected a string, but got an "
            "integer instead.",
        ),
        (
            {"messages": [{"role": "user", "content": 5}]},
            "Invalid value for 'messages[0].content': expected a string or an array, but got 5 instead.",
        ),
        (
            filtered({"type": "and", "filters": [{"type": "eq", "key": "a", "value": {}}]}),
            "Invalid value for 'plumbline.filters.filters[0].value': expected a string, a number, a "
            "boolean or an array, but got an object instead.",
        ),
        (
            filtered({"key": "a", "value": 1}),
            "Missing required parameter: 'plumbline.filters.type'.",
        ),
        (
            {"stop": ["a"] * 5},
            "Invalid 'stop': array too long. Expected an array with maximum length 4, but got one with "
            "length 5 instead.",
        ),
        (
            {"stop": ""},
            "Invalid 'stop': string too short. Expected a string with minimum length 1, but got one with "
            "length 0 instead.",
        ),
        (
            {"plumbline": {"candidates": "many"}},
            "Invalid value for 'plumbline.candidates': expected an integer or 'auto', but got 'many' "
            "instead.",
        ),
        (
            {"tools": [{"type": "function", "function": {"name": "a b"}}]},
            "Invalid 'tools[0].function.name': string does not match pattern. Expected a string that "
            "matches the pattern '^[a-zA-Z0-9_-]+$'.",
        ),
        (
            {"audio": {"voice": "x"}},
            "Unsupported parameter: 'audio' is not supported: Plumbline answers with text only.",
        ),
        (
            {"messages": [{"role": "user"}]},
            "Invalid 'messages[0].content': a message of the role user needs content.",
        ),
    ],
)
def test_a_request_is_told_in_words(fields: dict[str, Any], message: str) -> None:
    error = refused(ChatRequest, {"model": "plumbline", "messages": USER} | fields)
    assert error.message == message
    assert error.param is not None
    assert error.param in message


@pytest.mark.parametrize(
    ("kind", "body", "param", "says"),
    [
        (
            Feedback,
            {"id": "x", "type": "rating", "value": "great"},
            "value",
            "a boolean, an integer, 'good'",
        ),
        (Feedback, {"id": "x", "type": "rating", "value": 7}, "value", "<= 5"),
        (Feedback, {"id": "x", "type": "pair"}, "preferred_id", "the type pair needs it"),
        (
            Feedback,
            {"id": "x", "type": "rating", "value": 1, "ranking": ["a"]},
            "ranking",
            "a rating",
        ),
        (SearchRequest, {"query": ["a", ""]}, "query[1]", "minimum length 1"),
        (JudgeRequest, {"prompt": 5, "completion": "x"}, "prompt", "an array or a string"),
        (JudgeRequest, [], None, "the body: expected an object"),
    ],
)
def test_other_bodies_are_told_as_well(
    kind: type[BaseModel], body: Any, param: str | None, says: str
) -> None:
    error = refused(kind, body)
    assert error.param == param
    assert says in error.message
