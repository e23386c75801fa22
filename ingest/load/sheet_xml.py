"""Workbooks in the XML of Excel 2002 and 2003, which many programs export under the name xls."""

from __future__ import annotations

from collections.abc import Iterator

from contract.errors import DocumentUnreadable
from ingest.load.document import DocumentBuilder, LoadedDocument
from ingest.load.package import Element, attribute, children, find, local, parse_xml, text_of
from ingest.load.sheet_rows import add_tables

_MAX_GAP = 1000


def load_xml_2003(content: bytes) -> LoadedDocument:
    """The sheets of the workbook, with their tables.

    Raises:
        DocumentUnreadable: the XML is damaged from its start, or is no workbook.
    """
    root, whole = parse_xml(content)
    if root is None or local(root) != "Workbook":
        raise DocumentUnreadable("The spreadsheet can't be opened: its XML is damaged.")
    builder = DocumentBuilder()
    for sheet in children(root, "Worksheet"):
        builder.heading(1, attribute(sheet, "Name"))
        builder.title = ""
        add_tables(_rows(find(sheet, "Table")), builder)
    if not whole:
        builder.note("The XML of the spreadsheet is damaged; rows may be missing.")
    return builder.build()


def _rows(table: Element | None) -> Iterator[list[str]]:
    for row in children(table, "Row"):
        if attribute(row, "Index"):
            yield []
        cells: list[str] = []
        for cell in children(row, "Cell"):
            place = attribute(cell, "Index")
            gap = int(place) - 1 - len(cells) if place.isdigit() else 0
            cells += [""] * min(max(0, gap), _MAX_GAP)
            data = find(cell, "Data")
            cells.append(_value(text_of(data), attribute(data, "Type")))
            across = attribute(cell, "MergeAcross")
            cells += [""] * (min(int(across), _MAX_GAP) if across.isdigit() else 0)
        yield cells


def _value(text: str, kind: str) -> str:
    if kind == "DateTime":
        return text.removesuffix("T00:00:00.000").removesuffix(".000").replace("T", " ")
    if kind == "Boolean":
        return "TRUE" if text == "1" else "FALSE"
    return text
