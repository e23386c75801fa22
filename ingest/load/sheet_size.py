"""Sheets with a cell far from all others: moved together before they are read as a grid.

A reader that keeps a sheet as a grid needs room for 17 thousand million cells when somebody has typed
a blank into the last one. Only empty rows and columns are taken out, so rows and headers stay together.
"""

from __future__ import annotations

import io
import re
import zipfile

from contract.errors import DocumentUnreadable
from ingest.load.package import Package

_CELL = re.compile(rb'<((?:\w+:)?c)\b([^>]*?\s)r="([A-Z]{1,3})(\d{1,7})"')
_ROW = re.compile(rb'<((?:\w+:)?row)\b([^>]*?\s)r="(\d{1,7})"')
_LETTERS = re.compile(rb'\sr="([A-Z]{1,3})\d')
_NUMBERS = re.compile(rb'\sr="(\d{1,7})"')
# Cells of a grid that are read as they are; more than this only if the sheet is that full.
_GRID_CELLS = 2_000_000
_MAX_GRID_CELLS = 60_000_000
_SPARSE = 20


def compact(content: bytes, package: Package) -> bytes:
    """The workbook, with empty rows and columns taken out of sheets that are nearly empty grids.

    Raises:
        DocumentUnreadable: even then a sheet would be a grid of tens of millions of empty cells.
    """
    changed: dict[str, bytes] = {}
    for name in package.names():
        if name.startswith("xl/worksheets/") and name.endswith(".xml"):
            sheet = package.read(name)
            smaller = _closer(sheet) if sheet else None
            if smaller is not None:
                changed[name] = smaller
    return _replace(content, changed) if changed else content


def _closer(sheet: bytes) -> bytes | None:
    """The sheet with its cells moved together; None where that is not needed."""
    letters = _LETTERS.findall(sheet)
    columns = {_column(one) for one in set(letters)}
    if not columns:
        return None
    height = max((int(number) for number in _NUMBERS.findall(sheet)), default=0)
    if height * max(columns) <= max(_GRID_CELLS, _SPARSE * len(letters)):
        return None
    row_at = _places({int(match[4]) for match in _CELL.finditer(sheet)})
    column_at = _places(columns)
    if len(row_at) * len(column_at) > _MAX_GRID_CELLS:
        raise DocumentUnreadable(
            "A sheet spreads its cells over too large an area. Save the part that matters as a file."
        )

    def cell(match: re.Match[bytes]) -> bytes:
        letters = _letters(column_at[_column(match.group(3))])
        row = row_at[int(match.group(4))]
        return b'<%b%br="%b%d"' % (match.group(1), match.group(2), letters, row)

    def row(match: re.Match[bytes]) -> bytes:
        # Rows without a cell have no place; row 0 is none.
        return b'<%b%br="%d"' % (match[1], match[2], row_at.get(int(match[3]), 1))

    return _CELL.sub(cell, _ROW.sub(row, sheet))


def _places(used: set[int]) -> dict[int, int]:
    """New places from 1; a gap of any width becomes one empty row or column, which parts tables."""
    places: dict[int, int] = {}
    place, before = 0, None
    for number in sorted(used):
        place += 1 if before is None or number == before + 1 else 2
        places[number] = place
        before = number
    return places


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + letter - 64
    return number


def _letters(column: int) -> bytes:
    letters = b""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = bytes([65 + rest]) + letters
    return letters


def _replace(content: bytes, changed: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new,
    ):
        for info in old.infolist():
            replacement = changed.get(info.filename.replace("\\", "/").lstrip("/").lower())
            new.writestr(info.filename, old.read(info) if replacement is None else replacement)
    return buffer.getvalue()
