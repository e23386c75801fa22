"""Names in tables: the cells below a header that is a label of persons; Markdown, CSV and what is alike."""

from __future__ import annotations

import re
from collections.abc import Iterator

from text.language import HAN
from text.names import chinese, english
from text.names.english import Span

_HEADER = re.compile(
    rf"^\W*(?:(?i:{english.LABELS})|(?:{chinese.LABELS}){{1,2}}(?:姓名|名字)?)\W*$",
)
_CELL = re.compile(
    rf"^[\s*_\"'`]*(?:{english.TITLES}\.?[ \t]+)?(?P<name>{english.NAME}(?:,[ \t]*{english.PART})?|{chinese.HAN_NAME}|[{HAN}]{{2,4}})[\s*_\"'`]*$"
)
_DASHES = re.compile(r"^[\s|:+-]*-[\s|:+-]*$")
_SEPARATORS = ("|", "\t", ",", ";", "，")


def names_in_tables(text: str) -> Iterator[Span]:
    """The spans of the cells that may be names."""
    lines, starts, position = text.split("\n"), [], 0
    for line in lines:
        starts.append(position)
        position += len(line) + 1
    for number, line in enumerate(lines[:-1]):
        separator = next((s for s in _SEPARATORS if s in line), None)
        if separator is None or not _is_header(lines, number, separator):
            continue
        columns = [i for i, cell in enumerate(line.split(separator)) if _HEADER.match(cell)]
        for column in columns:
            yield from _cells(lines, starts, number + 1, column, separator)


def _is_header(lines: list[str], number: int, separator: str) -> bool:
    """In Markdown a line of dashes follows; elsewhere a table begins with it."""
    if separator == "|" and lines[number].lstrip().startswith("|"):
        return _DASHES.match(lines[number + 1]) is not None
    count = lines[number].count(separator)
    begins = number == 0 or lines[number - 1].count(separator) != count
    return begins and lines[number + 1].count(separator) == count


def _cells(
    lines: list[str], starts: list[int], first: int, column: int, separator: str
) -> Iterator[Span]:
    for number in range(first, len(lines)):
        cells = lines[number].split(separator)
        if len(cells) <= column:
            return
        match = _CELL.match(cells[column])
        if match and match["name"] not in english.NO_NAMES:
            begin = starts[number] + sum(len(cell) + len(separator) for cell in cells[:column])
            yield begin + match.start("name"), begin + match.end("name")
