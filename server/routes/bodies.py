"""A request body read without FastAPI's dependencies, which cost more than all else that a short turn does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import orjson
from fastapi import Request
from pydantic import BaseModel, ValidationError

from contract.errors import RequestRejected
from server.rejection import rejection

Model = TypeVar("Model", bound=BaseModel)


async def body_of(http: Request, model: type[Model]) -> tuple[Model, Mapping[str, Any]]:
    """The body as a wire type, and as it came.

    Raises:
        RequestRejected: it is no JSON, or a field is wrong; the message names it.
    """
    try:
        came = orjson.loads(await http.body())
    except orjson.JSONDecodeError as error:
        raise RequestRejected(
            f"The body is not valid JSON: {error}.", code="invalid_json"
        ) from error
    try:
        return model.model_validate(came), came
    except ValidationError as error:
        raise rejection(error.errors(), came) from error


def documented(model: type[BaseModel]) -> dict[str, Any]:
    """What FastAPI can't find out by itself: the schema of such a body, for /docs."""
    content = {"application/json": {"schema": _inlined(model.model_json_schema())}}
    return {"requestBody": {"required": True, "content": content}}


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with its definitions put where they are named; those that name themselves end as objects."""
    definitions = schema.pop("$defs", {})

    def put(value: Any, inside: tuple[str, ...]) -> Any:
        if isinstance(value, list):
            return [put(inner, inside) for inner in value]
        if not isinstance(value, dict):
            return value
        name = str(value.get("$ref", "")).rpartition("/")[2]
        if name:
            known = name not in inside and name in definitions
            return put(definitions[name], (*inside, name)) if known else {"type": "object"}
        return {key: put(inner, inside) for key, inner in value.items() if key != "discriminator"}

    found: dict[str, Any] = put(schema, ())
    return found
