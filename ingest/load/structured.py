"""JSON and JSON lines: each record becomes one sentence of `name: value` pairs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from contract.errors import DocumentUnreadable
from ingest.load.charset import decode_noted
from ingest.load.document import DocumentBuilder, LoadedDocument

_MAX_DEPTH = 40
_TOO_DEEP = f"The JSON is nested deeper than {_MAX_DEPTH} levels."
# Strings first, so that what stands inside them is left alone.
_COMMENT = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_COMMA = re.compile(r'("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])', re.DOTALL)
# Encoded pictures and keys say nothing to a reader.
_BINARY = re.compile(r"(?:data:[\w/+.-]+;base64,)?[A-Za-z0-9+/=_-]{400,}")


def load_json(content: bytes) -> LoadedDocument:
    """One JSON value: objects become sections, lists of objects become records.

    Raises:
        DocumentUnreadable: it is not JSON, or nested too deeply.
    """
    text, notes = decode_noted(content)
    if not text.strip():
        return LoadedDocument("", notes=("There is no text in it.",))
    builder = DocumentBuilder()
    _add(parse_json(text), builder, 1)
    for note in notes:
        builder.note(note)
    return builder.build()


def parse_json(text: str) -> Any:
    """A JSON value; comments and trailing commas, as in settings files, are forgiven.

    Raises:
        DocumentUnreadable: it is not JSON, or nested too deeply.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise DocumentUnreadable(_TOO_DEEP) from error
    except json.JSONDecodeError as error:
        first = error
    try:
        bare = _COMMENT.sub(lambda found: found.group(1) or " ", text)
        return json.loads(_COMMA.sub(lambda found: found.group(1) or "", bare))
    except RecursionError as error:
        raise DocumentUnreadable(_TOO_DEEP) from error
    except json.JSONDecodeError:
        raise DocumentUnreadable(f"It is not valid JSON: {first}.") from first


def load_jsonl(content: bytes) -> LoadedDocument:
    """JSON lines: one record a line. Lines that are not JSON are named, and the others kept.

    Raises:
        DocumentUnreadable: no line is valid.
    """
    text, notes = decode_noted(content)
    builder = DocumentBuilder()
    bad: list[str] = []
    good = 0
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            builder.block(_record(json.loads(line)))
            good += 1
        except (json.JSONDecodeError, RecursionError, DocumentUnreadable) as error:
            bad.append(f"Line {number} is not valid JSON: {_why(error)}.")
    if bad and not good:
        raise DocumentUnreadable(bad[0])
    for note in [*notes, *bad[:5]]:
        builder.note(note)
    if len(bad) > 5:
        builder.note(f"{len(bad)} lines are not valid JSON.")
    return builder.build()


def _why(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return error.msg
    return f"it is nested deeper than {_MAX_DEPTH} levels"


def _add(value: Any, builder: DocumentBuilder, level: int) -> None:
    if level > _MAX_DEPTH:
        raise DocumentUnreadable(_TOO_DEEP)
    if isinstance(value, list):
        for item in value:
            builder.block(_record(item))
        return
    if not isinstance(value, dict):
        builder.block(_scalar(value))
        return
    if level == 1:
        titles = (value.get(name) for name in ("title", "name", "标题", "名称"))
        builder.title = next((_scalar(t) for t in titles if isinstance(t, str) and t), "")
    for name, item in value.items():
        if not isinstance(item, dict | list):
            builder.block(f"{_label(name)}: {_scalar(item)}")
    for name, item in value.items():
        if isinstance(item, dict | list):
            builder.heading(level, _label(name))
            _add(item, builder, level + 1)


def _record(value: Any) -> str:
    return "; ".join(_pairs(value, "", 0))


def _pairs(value: Any, name: str, depth: int) -> Iterator[str]:
    if depth > _MAX_DEPTH:
        raise DocumentUnreadable(_TOO_DEEP)
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _pairs(item, f"{name} {_label(key)}".strip(), depth + 1)
    elif isinstance(value, list):
        plain = [_scalar(item) for item in value if not isinstance(item, dict | list)]
        if plain:
            yield f"{name}: {', '.join(plain)}" if name else ", ".join(plain)
        for item in value:
            if isinstance(item, dict | list):
                yield from _pairs(item, name, depth + 1)
    elif value is not None and value != "":
        yield f"{name}: {_scalar(value)}" if name else _scalar(value)


def _label(name: Any) -> str:
    return str(name).replace("_", " ").strip()


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return ""
    text = " ".join(str(value).split())
    return _BINARY.sub("…", text) if len(text) >= 400 else text
