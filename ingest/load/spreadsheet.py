"""Spreadsheets: each sheet is a section, each row of a table a block of `header: value`."""

from __future__ import annotations

import io

from python_calamine import (
    CalamineError,
    CalamineWorkbook,
    PasswordError,
    SheetMetadata,
    SheetTypeEnum,
)

from contract.errors import DocumentUnreadable
from ingest.load.document import DocumentBuilder, LoadedDocument
from ingest.load.package import OLE_MAGIC, Package
from ingest.load.sheet_asides import sheet_asides
from ingest.load.sheet_rows import add_tables
from ingest.load.sheet_size import compact

_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


def load_spreadsheet(content: bytes) -> LoadedDocument:
    """The sheets of a workbook (xlsx, xlsm, xltx, xlsb, xls, et, ods), hidden ones too.

    Cells hold what the program last computed; formulas are not computed again.

    Raises:
        DocumentUnreadable: the file is damaged, needs a password or is no workbook.
    """
    asides: dict[str, list[str]] = {}
    if content.startswith(b"PK"):
        package = Package(content, "spreadsheet")
        asides = sheet_asides(package)
        content = compact(content, package)
    elif content.startswith(OLE_MAGIC) and _ENCRYPTED in content:
        raise DocumentUnreadable("The spreadsheet needs a password.")
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
    except PasswordError as error:
        raise DocumentUnreadable("The spreadsheet needs a password.") from error
    except (CalamineError, OSError, ValueError) as error:
        if "password" in str(error).lower():
            raise DocumentUnreadable("The spreadsheet needs a password.") from error
        raise DocumentUnreadable(
            "The spreadsheet can't be opened: it is damaged, cut short, or not a spreadsheet at all."
        ) from error
    builder = DocumentBuilder()
    for number, sheet in enumerate(workbook.sheets_metadata):
        _sheet(workbook, number, sheet, builder)
        for text in asides.get(sheet.name, ()):
            builder.block(text)
    return builder.build()


def _sheet(
    workbook: CalamineWorkbook, number: int, sheet: SheetMetadata, builder: DocumentBuilder
) -> None:
    if sheet.typ not in (SheetTypeEnum.WorkSheet, SheetTypeEnum.ChartSheet):
        return
    # The title is the file's name: that of its first sheet is too often "Sheet1".
    title = builder.title
    builder.heading(1, sheet.name)
    builder.title = title
    try:
        rows = workbook.get_sheet_by_index(number).iter_rows()
        add_tables(rows, builder)
    except (CalamineError, OSError, ValueError):
        if sheet.typ == SheetTypeEnum.WorkSheet:
            builder.note(f"The sheet {sheet.name} is damaged and was not read.")
