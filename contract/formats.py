"""The form that a request wants its answer in."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator

from contract.wire import FieldError

_KINDS = ("text", "json_object", "json_schema", "structural_tag")


def _check(form: dict[str, Any]) -> dict[str, Any]:
    kind = form.get("type")
    if kind not in _KINDS:
        known = ", ".join(f"'{name}'" for name in _KINDS)
        raise FieldError("type", f"supported values are: {known}")
    if kind != "json_schema":
        return form
    schema = form.get("json_schema")
    if not isinstance(schema, dict):
        raise FieldError(
            "json_schema", "it must be an object with name and schema", "missing_required_parameter"
        )
    if not isinstance(schema.get("name"), str):
        raise FieldError(
            "json_schema.name", "the schema needs a name", "missing_required_parameter"
        )
    if not isinstance(schema.get("schema"), dict):
        raise FieldError(
            "json_schema.schema",
            "it must be a JSON schema, an object",
            "missing_required_parameter",
        )
    return form


ResponseFormat = Annotated[dict[str, Any], AfterValidator(_check)]
"""OpenAI's forms and vLLM's `structural_tag`; what stands in them passes through as it came."""
