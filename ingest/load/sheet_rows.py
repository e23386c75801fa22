"""Rows of a sheet become tables: where each one begins, which row is its header, how values read."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Sequence

from ingest.load.document import DocumentBuilder
from text.tables import table_row

Row = list[str]
_MIDNIGHT = datetime.time()
_SCAN = 10


def add_tables(rows: Iterable[Sequence[object]], builder: DocumentBuilder) -> None:
    """Add what stands in a sheet. Blank rows separate tables; a table's rows are blocks of their own."""
    header: Row = []
    for table in _tables(rows):
        header = _add(table, header, builder)


def _tables(rows: Iterable[Sequence[object]]) -> Iterator[list[Row]]:
    """Runs of rows that hold something. Long runs are handed on in one piece."""
    table: list[Row] = []
    for row in rows:
        cells = [shown(value) for value in row]
        if any(cells):
            table.append(cells)
        elif table:
            yield table
            table = []
    if table:
        yield table


def _add(table: list[Row], before: Row, builder: DocumentBuilder) -> Row:
    at = _header_row(table)
    if at is None:
        # Blank rows inside one table: the rows go on below the same header.
        goes_on = bool(before) and max(_filled(row) for row in table) > 1
        for row in table:
            builder.block(table_row(row) if goes_on else " ".join(cell for cell in row if cell))
        return before
    for row in table[:at]:
        builder.block(" ".join(" ".join(cell.split()) for cell in row if cell))
    header = [" ".join(cell.split()) for cell in table[at]]
    builder.table([header, *table[at + 1 :]])
    return header


def _header_row(table: list[Row]) -> int | None:
    """The first row that is nearly as wide as the rows below it and holds words, not numbers."""
    width = max(_filled(row) for row in table[: 5 * _SCAN])
    if width < 2:
        return None
    for number, row in enumerate(table[:-1][:_SCAN]):
        cells = [cell for cell in row if cell]
        if len(cells) < 2 or 2 * len(cells) < width:
            continue
        words = [cell for cell in cells if not _is_value(cell)]
        if 2 * len(words) > len(cells) and _differs(row, table[number + 1 :]):
            return number
        return None
    return None


def _differs(header: Row, below: list[Row]) -> bool:
    """Whether a row can be a header: no cell of it comes again right below in its column."""
    return not any(
        cell and number < len(row) and row[number] == cell
        for row in below[:_SCAN]
        for number, cell in enumerate(header)
    )


def _filled(row: Row) -> int:
    return sum(bool(cell) for cell in row)


def _is_value(cell: str) -> bool:
    return not any(c.isalpha() for c in cell)


def shown(value: object) -> str:
    """A cell as text: dates in ISO form, whole numbers without `.0`."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.15g}"
    if isinstance(value, datetime.datetime):
        if value.time() == _MIDNIGHT:
            return value.date().isoformat()
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return str(value).strip()
