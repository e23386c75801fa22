"""The form of `POST /v1/documents`: files, and what is said of them."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.datastructures import FormData, UploadFile

from contract.access import check_labels
from contract.errors import ConfigurationError, RequestRejected
from contract.filters import Attribute

FIELDS = frozenset({"file", "collection", "labels", "attributes"})

_COLLECTION = re.compile(r"\w[\w .-]{0,63}")
_MOST_ATTRIBUTES, _LONGEST_KEY, _LONGEST_VALUE, _LONGEST_NAME = 16, 64, 512, 300


@dataclass(frozen=True, slots=True)
class UploadForm:
    """What the form says; each file with the name that its owner gave it."""

    files: list[tuple[str, UploadFile]]
    collection: str
    labels: tuple[str, ...]
    attributes: dict[str, Attribute]


def read_form(form: FormData, default_collection: str) -> UploadForm:
    """Check a form.

    Raises:
        RequestRejected: something in it is missing or wrong.
    """
    unknown = sorted(set(form) - FIELDS)
    if unknown:
        raise RequestRejected(
            f"Unrecognized field: {unknown[0]}. The form has {', '.join(sorted(FIELDS))}.",
            code="unsupported_parameter",
            param=unknown[0],
        )
    return UploadForm(
        _files(form), _collection(form, default_collection), _labels(form), _attributes(form)
    )


def _files(form: FormData) -> list[tuple[str, UploadFile]]:
    files = [file for file in form.getlist("file") if isinstance(file, UploadFile)]
    if not files or len(files) < len(form.getlist("file")):
        raise RequestRejected(
            "Send each document as a multipart field `file` with a file name.", param="file"
        )
    named = [(_name(file.filename or ""), file) for file in files]
    if len({name for name, _ in named}) < len(named):
        raise RequestRejected("Two files have the same name; send them apart.", param="file")
    return named


def _name(filename: str) -> str:
    """The name as people read it: it is shown, and never a path."""
    kept = "".join(c for c in filename if unicodedata.category(c)[0] != "C")
    name = unicodedata.normalize("NFC", kept).strip()
    if not name or len(name) > _LONGEST_NAME:
        raise RequestRejected(
            f"The name of a file has 1 to {_LONGEST_NAME} characters.", param="file"
        )
    return name


def _text(form: FormData, name: str) -> str | None:
    values = form.getlist(name)
    if len(values) > 1 or any(not isinstance(value, str) for value in values):
        raise RequestRejected(f"{name} is one text.", param=name)
    return str(values[0]) if values else None


def _collection(form: FormData, default: str) -> str:
    name = _text(form, "collection")
    if name is None:
        return default
    if not _COLLECTION.fullmatch(name):
        raise RequestRejected(
            "A collection has a name of 1 to 64 letters, digits, blanks and _ . -, that begins with "
            "a letter or digit.",
            param="collection",
        )
    return name


def _labels(form: FormData) -> tuple[str, ...]:
    """The field may be repeated, and hold several labels with commas between them."""
    texts = form.getlist("labels")
    if any(not isinstance(text, str) for text in texts):
        raise RequestRejected("labels are texts.", param="labels")
    labels = [label.strip() for text in texts for label in str(text).split(",")]
    try:
        return check_labels(label for label in labels if label)
    except ConfigurationError as error:
        raise RequestRejected(error.message, param="labels") from error


def _attributes(form: FormData) -> dict[str, Attribute]:
    text = _text(form, "attributes")
    if not text:
        return {}
    try:
        found: Any = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise RequestRejected("attributes is no JSON.", param="attributes") from error
    if not isinstance(found, dict) or len(found) > _MOST_ATTRIBUTES:
        raise RequestRejected(
            f"attributes is a JSON object of at most {_MOST_ATTRIBUTES} values.", param="attributes"
        )
    for key, value in found.items():
        if not 1 <= len(key) <= _LONGEST_KEY or not _is_attribute(value):
            raise RequestRejected(
                f"The attribute {key[:_LONGEST_KEY]!r} is wrong: a key has 1 to {_LONGEST_KEY} "
                f"characters, a value is a number, true, false or a text of at most {_LONGEST_VALUE}.",
                param="attributes",
            )
    return found


def _is_attribute(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= _LONGEST_VALUE
    return isinstance(value, bool) or (isinstance(value, int | float) and math.isfinite(value))
