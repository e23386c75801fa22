"""Spreadsheets: each sheet is a section, in which tables and single lines stand."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

from python_calamine import (
    CalamineError,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
)

from contract.errors import DocumentUnreadable
from ingest.load.document import DocumentBuilder, LoadedDocument
from ingest.load.package import OLE_MAGIC, Package
from ingest.load.sheet_asides import sheet_asides
from ingest.load.sheet_rows import add_tables
from ingest.load.sheet_size import compact
from ingest.load.sheet_xml import load_xml_2003

_WITH_CELLS = (SheetTypeEnum.WorkSheet, SheetTypeEnum.MacroSheet)
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


def load_spreadsheet(content: bytes) -> LoadedDocument:
    """The sheets of a workbook (xlsx, xlsm, xltx, xlsb, xls, et, ods, XML of 2003), hidden ones too.

    Cells hold what the program last computed; formulas are not computed again.

    Raises:
        DocumentUnreadable: the file is damaged, needs a password or is no workbook.
    """
    if content.lstrip(b"\xef\xbb\xbf \r\n\t")[:5] == b"<?xml" and b"<Workbook" in content[:4096]:
        return load_xml_2003(content)
    asides: dict[str, list[str]] = {}
    if content.startswith(b"PK"):
        package = Package(content, "spreadsheet")
        if package.is_encrypted():
            raise DocumentUnreadable("The spreadsheet needs a password.")
        asides = sheet_asides(package)
        content = compact(content, package)
    elif content.startswith(OLE_MAGIC) and _ENCRYPTED in content:
        raise DocumentUnreadable("The spreadsheet needs a password.")
    workbook = _opened(content)
    builder = DocumentBuilder()
    sheets = [s for s in workbook.sheets_metadata if s.typ in _WITH_CELLS]
    lost = [sheet.name for sheet in sheets if not _sheet(workbook, sheet.name, builder)]
    if sheets and len(lost) == len(sheets):
        raise DocumentUnreadable("The spreadsheet is damaged: none of its sheets can be read.")
    for name in lost:
        builder.note(f"The sheet {name} is damaged and was not read.")
    for name, texts in asides.items():
        if any(texts):
            _heading(builder, name)
        for text in texts:
            builder.block(text)
    return builder.build()


@contextmanager
def _panics_are_damage() -> Iterator[None]:
    """The parser is written in Rust and panics on some damaged files: no `Exception` in Python."""
    try:
        yield
    except BaseException as error:
        if type(error).__name__ == "PanicException":
            raise ValueError("the parser gave up") from error
        raise


def _opened(content: bytes) -> CalamineWorkbook:
    try:
        with _panics_are_damage():
            return CalamineWorkbook.from_filelike(io.BytesIO(content))
    except (CalamineError, OSError, ValueError) as error:
        if isinstance(error, PasswordError) or "password" in str(error).lower():
            raise DocumentUnreadable("The spreadsheet needs a password.") from error
        raise DocumentUnreadable(
            "The spreadsheet can't be opened: it is damaged, cut short, or something else."
        ) from error


def _sheet(workbook: CalamineWorkbook, name: str, builder: DocumentBuilder) -> bool:
    """Add a sheet; False if it can't be read."""
    _heading(builder, name)
    try:
        with _panics_are_damage():
            add_tables(workbook.get_sheet_by_name(name).iter_rows(), builder)
    except (CalamineError, OSError, ValueError):
        return False
    return True


def _heading(builder: DocumentBuilder, name: str) -> None:
    # The title is the file's name: that of its first sheet is too often "Sheet1".
    title = builder.title
    builder.heading(1, name)
    builder.title = title
