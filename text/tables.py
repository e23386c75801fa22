"""Markdown tables: a row, read with its header."""

from __future__ import annotations

import re

_RULE = re.compile(r"^\s*\|?[\s:|-]+\|?\s*$")


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


def readable(sentence: str, text: str) -> str:
    """`| Leeds | 120 |` becomes `City: Leeds; Hotel: 120` where `text` holds the table's header.

    What is no row of a table is returned as it is.
    """
    if not is_row(sentence):
        return sentence
    cells = _cells(sentence)
    named = zip(_header(sentence, text) or [""] * len(cells), cells, strict=False)
    return "; ".join(f"{name}: {cell}" if name else cell for name, cell in named if cell)


def _header(row: str, text: str) -> list[str]:
    above = text[: text.find(row)] if row in text else ""
    lines = [line.strip() for line in above.splitlines() if line.strip()]
    while lines and is_row(lines[-1]):
        if is_rule(lines[-1]) and len(lines) > 1:
            return _cells(lines[-2])
        lines.pop()
    return []


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip().strip("|").split("|")]
