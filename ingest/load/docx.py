"""Word documents: paragraphs, headings and tables in reading order."""

from __future__ import annotations

import io
import re
import zipfile

import docx
from docx.opc.exceptions import PackageNotFoundError
from docx.table import Table

from contract.errors import DocumentUnreadable
from ingest.load.document import DocumentBuilder, LoadedDocument

_HEADING = re.compile(r"(?:heading|标题)\s*(\d)", re.IGNORECASE)


def load_docx(content: bytes) -> LoadedDocument:
    """The body of a Word document.

    Raises:
        DocumentUnreadable: the file is damaged, encrypted or no Word document.
    """
    try:
        document = docx.Document(io.BytesIO(content))
        return _read(document)
    except (PackageNotFoundError, zipfile.BadZipFile, KeyError, ValueError, SyntaxError) as error:
        raise DocumentUnreadable(
            "The Word document can't be opened: it is damaged or encrypted."
        ) from error


def _read(document: docx.document.Document) -> LoadedDocument:
    builder = DocumentBuilder((document.core_properties.title or "").strip())
    for item in document.iter_inner_content():
        if isinstance(item, Table):
            builder.table([[cell.text for cell in row.cells] for row in item.rows])
            continue
        style = (item.style.name or "") if item.style else ""
        heading = _HEADING.match(style)
        if style == "Title":
            builder.heading(0, item.text)
        elif heading:
            builder.heading(int(heading.group(1)), item.text)
        else:
            builder.block(item.text)
    return builder.build()
