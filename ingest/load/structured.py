"""CSV, TSV, JSON and JSON lines: each record becomes one sentence of `name: value` pairs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

from contract.errors import DocumentUnreadable
from ingest.load.charset import decode
from ingest.load.document import DocumentBuilder, LoadedDocument

_MAX_DEPTH = 40
# A sheet may hold long cells; the default limit of the csv module is 128 KiB.
csv.field_size_limit(16 * 1024 * 1024)


def load_csv(content: bytes) -> LoadedDocument:
    """A table whose first row is its header; the delimiter is found out."""
    text = decode(content)
    try:
        dialect: Any = csv.Sniffer().sniff(text[:8192], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    builder = DocumentBuilder()
    try:
        builder.table([row for row in csv.reader(io.StringIO(text), dialect) if any(row)])
    except csv.Error as error:
        raise DocumentUnreadable(f"The table can't be read: {error}.") from error
    return builder.build()


def load_json(content: bytes) -> LoadedDocument:
    """One JSON value: objects become sections, lists of objects become records."""
    try:
        value = json.loads(decode(content))
    except (json.JSONDecodeError, RecursionError) as error:
        raise DocumentUnreadable(f"It is not valid JSON: {error}.") from error
    builder = DocumentBuilder()
    _add(value, builder, 1)
    return builder.build()


def load_jsonl(content: bytes) -> LoadedDocument:
    """JSON lines: one record a line."""
    builder = DocumentBuilder()
    for number, line in enumerate(decode(content).splitlines(), 1):
        if line.strip():
            try:
                builder.block(_record(json.loads(line)))
            except (json.JSONDecodeError, RecursionError) as error:
                raise DocumentUnreadable(f"Line {number} is not valid JSON: {error}.") from error
    return builder.build()


def _add(value: Any, builder: DocumentBuilder, level: int) -> None:
    if level > _MAX_DEPTH:
        raise DocumentUnreadable(f"The JSON is nested deeper than {_MAX_DEPTH} levels.")
    if isinstance(value, list):
        for item in value:
            builder.block(_record(item))
        return
    if not isinstance(value, dict):
        builder.block(_scalar(value))
        return
    if level == 1:
        builder.title = str(value.get("title") or value.get("name") or "")
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
        raise DocumentUnreadable(f"The JSON is nested deeper than {_MAX_DEPTH} levels.")
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
    return "" if value is None else " ".join(str(value).split())
