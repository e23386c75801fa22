"""Tables as Markdown: how rows are written, and how a row is read with its header.

A chunk that begins inside a table has the table's columns as the last step of its heading,
`Hotels › City | Limit`, so that a row is understood wherever its chunk was cut.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_RULE = re.compile(r"^\s*\|(?:\s*:?-+:?\s*\|)*(?:\s*:?-+:?\s*)?$")
_BAR = re.compile(r"(?<!\\)\|")

COLUMNS = " | "
STEP = " › "


def table_row(cells: Sequence[str]) -> str:
    """`| Leeds | 120 |`."""
    shown = (" ".join(cell.split()).replace("|", "\\|") for cell in cells)
    return "| " + COLUMNS.join(shown) + " |"


def table_rule(columns: int) -> str:
    """The line below a header, as short as it can be: each dash is a token."""
    return "|" + "-|" * columns


def is_row(sentence: str) -> bool:
    """Is this a row of a Markdown table?"""
    return sentence.startswith("|") and sentence.count("|") >= 2


def is_rule(sentence: str) -> bool:
    """Is this the line of dashes below a header?"""
    return is_row(sentence) and bool(_RULE.match(sentence))


def is_header(sentence: str, text: str) -> bool:
    """Is this row of `text` the header of its table?"""
    lines = [line.strip() for line in text.splitlines()]
    places = [i for i, line in enumerate(lines) if line == sentence.strip()]
    return any(i + 1 < len(lines) and is_rule(lines[i + 1]) for i in places)


def columns_of(header: str) -> str:
    """A header row as the last step of a heading; nothing if its cells are empty."""
    cells = cells_of(header)
    return COLUMNS.join(cells) if any(cells) else ""


def readable(sentence: str, text: str, heading: str = "") -> str:
    """`| Leeds | 120 |` becomes `City: Leeds; Hotel: 120` where `text` holds the table's header, or the
    last step of `heading` its columns.

    What is no row of a table is returned as it is.
    """
    if not is_row(sentence):
        return sentence
    cells = cells_of(sentence)
    header = _header(sentence, text) or _columns(heading, len(cells))
    names = header + [""] * (len(cells) - len(header))
    named = zip(names, cells, strict=False)
    return "; ".join(f"{name}: {cell}" if name else cell for name, cell in named if cell)


def cells_of(row: str) -> list[str]:
    """The cells of a row, escaped bars as bars."""
    row = row.strip().removeprefix("|")
    if row.endswith("|") and not row.endswith("\\|"):
        row = row[:-1]
    return [cell.strip().replace("\\|", "|") for cell in _BAR.split(row)]


def _header(row: str, text: str) -> list[str]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # The start of a line: a row that is longer than a chunk was cut.
    number = next((n for n, line in enumerate(lines) if line.startswith(row.strip())), 0)
    for above in range(number - 1, 0, -1):
        if is_rule(lines[above]):
            return cells_of(lines[above - 1])
        if not is_row(lines[above]):
            break
    return []


def _columns(heading: str, cells: int) -> list[str]:
    found = heading.rsplit(STEP, 1)[-1].split(COLUMNS)
    return found if len(found) == cells else []
