"""Lines on a page become paragraphs again, in the order in which people read them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from statistics import median

from text.language import HAN

# A line this much shorter than the usual one ends its paragraph.
_SHORT = 0.7
_ENDS = re.compile(r"[.!?:;。！？：；]['\"”’）)]*$")
_ITEM = re.compile(r"\s*(?:[-*•·●▪]|\d{1,3}[.)、]|[（(][一二三四五六七八九十\d]{1,3}[）)])\s*")
_HAN_EDGE = re.compile(rf"[{HAN}，。、；：！？（）《》“”]$")
_HAN_START = re.compile(rf"^[{HAN}，。、；：！？（）《》“”\d]")
# Lines of a column are at least this many times as wide as high; cells of a table are narrower.
_COLUMN_WIDTH = 9
_COLUMN_LINES = 2


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text and the rectangle that it fills, in pixels from the top left corner."""

    text: str
    left: float
    top: float
    right: float
    bottom: float

    @property
    def height(self) -> float:
        return self.bottom - self.top


def paragraphs(text: str) -> list[str]:
    """Lines of a page joined into paragraphs.

    A paragraph ends at a blank line, before a list item, and after a line that is clearly shorter
    than most and ends a sentence, or is so short that it is a heading.
    """
    lines = [line.strip() for line in text.splitlines()]
    usual = median([_width(line) for line in lines if line] or [0])
    found: list[str] = []
    open_paragraph = False
    for line in lines:
        if not line:
            open_paragraph = False
        elif open_paragraph and not _ITEM.match(line):
            found[-1] = _join(found[-1], line)
        else:
            found.append(line)
            open_paragraph = True
        if (
            line
            and _width(line) < _SHORT * usual
            or line
            and _ENDS.search(line)
            and _width(line) < 0.95 * usual
        ):
            open_paragraph = False
    return found


def page_text(lines: list[Line]) -> str:
    """The text of a page: columns one after the other, pieces of one row side by side.

    A blank line stands where the page leaves room between two lines, and around rows of a table.
    """
    written: list[str] = []
    for column in _columns(lines):
        before: Line | None = None
        for row in _rows(column):
            gap = before is not None and row[0].top - before.bottom > 0.8 * before.height
            if gap or len(row) > 1:
                written.append("")
            written.append(" | ".join(line.text for line in row))
            if len(row) > 1:
                written.append("")
            before = row[0]
        written.append("")
    return "\n".join(written)


def _columns(lines: list[Line]) -> list[list[Line]]:
    """Stretches of a page that are read from top to bottom, in reading order."""
    bands = _bands(lines)
    columns: list[list[Line]] = []
    start = 0
    while start < len(bands):
        cut, end = _widest(bands, start)
        if cut is None:
            if columns and start and columns[-1] is not _SPLIT:
                columns[-1] = columns[-1] + bands[start]
            else:
                columns.append(bands[start])
            start += 1
            continue
        inside = [line for band in bands[start:end] for line in band]
        for side in (
            [line for line in inside if line.right <= cut],
            [line for line in inside if line.right > cut],
        ):
            columns += _columns(side)
        columns.append(_SPLIT)
        start = end
    return [column for column in columns if column]


_SPLIT: list[Line] = []


def _widest(bands: list[list[Line]], start: int) -> tuple[float | None, int]:
    """The cut between two columns that begin at a band, and the band where they end."""
    best: tuple[float | None, int] = (None, start + 1)
    inside: list[Line] = []
    for end in range(start + 1, len(bands) + 1):
        inside = inside + bands[end - 1]
        cut = _cut(inside)
        if cut is not None:
            best = (cut, end)
        elif best[0] is not None or len(inside) > 4 * _COLUMN_LINES:
            break
    return best


def _cut(lines: list[Line]) -> float | None:
    """Where a vertical line would part two columns of running text; None if nowhere."""
    ordered = sorted(lines, key=lambda line: line.left)
    reach = ordered[0].right
    for number, line in enumerate(ordered[1:], 1):
        if line.left >= reach and _is_column(ordered[:number]) and _is_column(ordered[number:]):
            return reach
        reach = max(reach, line.right)
    return None


def _is_column(lines: list[Line]) -> bool:
    if len(lines) < _COLUMN_LINES:
        return False
    return median(line.right - line.left for line in lines) >= _COLUMN_WIDTH * median(
        line.height for line in lines
    )


def _bands(lines: list[Line]) -> list[list[Line]]:
    """Lines that overlap in height, directly or through others, from the top down."""
    bands: list[list[Line]] = []
    reach = float("-inf")
    for line in sorted(lines, key=lambda line: line.top):
        if bands and line.top + 0.3 * line.height < reach:
            bands[-1].append(line)
        else:
            bands.append([line])
        reach = max(reach, line.bottom)
    return bands


def _rows(column: list[Line]) -> list[list[Line]]:
    """Lines whose middles stand at one height, from left to right."""
    rows: list[list[Line]] = []
    for line in sorted(column, key=lambda line: line.top + line.bottom):
        last = rows[-1][0] if rows else None
        middle = (line.top + line.bottom) / 2
        if last is not None and last.top < middle < last.bottom:
            rows[-1].append(line)
        else:
            rows.append([line])
    return [sorted(row, key=lambda line: line.left) for row in rows]


def _join(before: str, line: str) -> str:
    if _HAN_EDGE.search(before) and _HAN_START.search(line):
        return before + line
    if before.endswith("-") and line[:1].islower():
        return before[:-1] + line
    return f"{before} {line}"


def _width(line: str) -> int:
    """Width in half-width columns: a Han character is as wide as two letters."""
    return len(line) + len(re.findall(f"[{HAN}]", line))
