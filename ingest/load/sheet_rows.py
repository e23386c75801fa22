"""Rows of a sheet become tables: where each one begins, which row is its header, how values read."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Sequence

from ingest.load.document import DocumentBuilder, labelled_row

Row = list[str]
_MIDNIGHT = datetime.time()
_SCAN = 10


def add_tables(rows: Iterable[Sequence[object]], builder: DocumentBuilder) -> None:
    """Add what stands in a sheet. A header begins a table; blank rows and single lines do not end it."""
    table: list[Row] = []
    for run in _runs(rows):
        at = _header_row(run)
        if at is None and table and max(_filled(row) for row in run) > 1:
            table += run
            continue
        _flush(table, builder)
        if at is None:
            for row in run:
                builder.block(labelled_row([], row))
            # What comes below a line, as below the name of a group, has the same header.
            table = table[:1]
        else:
            for row in run[:at]:
                builder.block(" ".join(" ".join(cell.split()) for cell in row if cell))
            table = run[at:]
    _flush(table, builder)


def _flush(table: list[Row], builder: DocumentBuilder) -> None:
    if len(table) > 1:
        builder.table(table)


def _runs(rows: Iterable[Sequence[object]]) -> Iterator[list[Row]]:
    """Runs of rows that hold something. Long runs are handed on in one piece."""
    run: list[Row] = []
    for row in rows:
        cells = [shown(value) for value in row]
        if any(cells):
            run.append(cells)
        elif run:
            yield run
            run = []
    if run:
        yield run


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
