"""The rows of a file, one at a time: JSON lines, a JSON array, or a table with a header (csv, tsv).

A row that can't be read is a row with a problem. Where nothing after it can be made out either, it is the
last one.
"""

from __future__ import annotations

import codecs
import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import orjson

# A row with more bytes than this is no example of anything.
LONGEST_ROW = 10_000_000

_CHUNK = 1 << 20
_BETWEEN = re.compile(r"[\s,]*")
_DELIMITERS = ",;\t"
# A spreadsheet's texts are UTF-8, or what Chinese editions of Excel write.
_ENCODINGS = ("utf-8-sig", "gb18030")


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `number` is its line, in an array its place; one of `fields` and `problem` is there."""

    number: int
    fields: dict[str, Any] | None = None
    problem: str = ""


def rows_of(path: Path) -> Iterator[Row]:
    """The rows of a file, by its suffix; `.json` holds an array or JSON lines."""
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv"):
        return _table(path)
    if suffix == ".json" and _is_array(path):
        return _array(path)
    return _lines(path)


def _is_array(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(_CHUNK).removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"[")


def _lines(path: Path) -> Iterator[Row]:
    with path.open("rb") as file:
        number = 0
        while line := file.readline(LONGEST_ROW + 1):
            number += 1
            if len(line) > LONGEST_ROW:
                while line and not line.endswith(b"\n"):
                    line = file.readline(LONGEST_ROW)
                yield Row(number, problem=f"it has more than {LONGEST_ROW:,} bytes")
                continue
            if number == 1:
                line = line.removeprefix(codecs.BOM_UTF8)
            if line.strip():
                yield _line(number, line)


def _line(number: int, line: bytes) -> Row:
    try:
        return _object(number, orjson.loads(line))
    except orjson.JSONDecodeError as error:
        return Row(number, problem=f"it is not valid JSON: {error}")


def _array(path: Path) -> Iterator[Row]:
    number = 0
    try:
        with path.open(encoding="utf-8-sig") as file:
            for value in _elements(file):
                number += 1
                yield _object(number, value)
    except (ValueError, RecursionError) as error:
        why = str(error) or "it is nested too deep"
        yield Row(number + 1, problem=f"it is not valid JSON, and neither is the rest: {why}")


def _elements(file: TextIO) -> Iterator[Any]:
    """The elements of a JSON array, while no more than one of them is held."""
    decoder = json.JSONDecoder()
    text = file.read(_CHUNK).lstrip().removeprefix("[")
    at = 0
    while True:
        between = _BETWEEN.match(text, at)
        at = between.end() if between else at
        if text.startswith("]", at):
            return
        try:
            value, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError:
            # It may only go on in what has not been read yet.
            more = file.read(max(_CHUNK, len(text) - at)) if len(text) - at < LONGEST_ROW else ""
            if not more:
                raise
            text, at = text[at:] + more, 0
            continue
        yield value


def _table(path: Path) -> Iterator[Row]:
    csv.field_size_limit(LONGEST_ROW)
    line = 0
    try:
        with path.open(encoding=_encoding(path), newline="") as file:
            head = file.readline(_CHUNK)
            file.seek(0)
            reader = csv.reader(file, delimiter=_delimiter(path, head))
            columns = [name.strip() for name in next(reader, [])]
            double = next((name for name in columns if columns.count(name) > 1), None)
            if double is not None:
                yield Row(1, problem=f"two columns are called {double!r}")
                return
            line = reader.line_num
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    yield _record(line + 1, columns, cells)
                line = reader.line_num
    except (csv.Error, UnicodeDecodeError) as error:
        yield Row(line + 1, problem=f"it can't be read, and neither can the rest: {error}")


def _record(number: int, columns: list[str], cells: list[str]) -> Row:
    if len(cells) > len(columns):
        problem = f"it has {len(cells)} cells, and the header has {len(columns)}"
        return Row(number, problem=problem)
    named = zip(columns, cells)
    return Row(number, {name: _cell(name, cell) for name, cell in named if cell.strip()})


def _cell(column: str, cell: str) -> Any:
    """A text, unless it holds objects (messages, examples) or ranked answers as JSON."""
    if cell.lstrip().startswith("[") and cell.rstrip().endswith("]"):
        try:
            value = orjson.loads(cell)
        except orjson.JSONDecodeError:
            return cell
        if value and (column == "ranked" or all(isinstance(inner, dict) for inner in value)):
            return value
    return cell


def _object(number: int, value: Any) -> Row:
    if not isinstance(value, dict):
        return Row(number, problem="it is no JSON object")
    return Row(number, {name: inner for name, inner in value.items() if inner is not None})


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
    return next((name for name in _ENCODINGS if _decodes(path, name)), _ENCODINGS[0])


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _delimiter(path: Path, head: str) -> str:
    if path.suffix.lower() == ".tsv":
        return "\t"
    return max(_DELIMITERS, key=head.count)
