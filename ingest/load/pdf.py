"""PDF: the text layer, page by page, with its lines joined into paragraphs again."""

from __future__ import annotations

import re
from statistics import median

import pypdfium2

from contract.errors import DocumentUnreadable
from ingest.load.document import DocumentBuilder, LoadedDocument
from text.language import HAN

# A line this much shorter than the usual one ends its paragraph.
_SHORT = 0.7
_ENDS = re.compile(r"[.!?:;。！？：；]['\"”’）)]*$")
_ITEM = re.compile(r"\s*(?:[-*•·●▪]|\d{1,3}[.)、]|[（(][一二三四五六七八九十\d]{1,3}[）)])\s*")
_HAN_EDGE = re.compile(rf"[{HAN}，。、；：！？（）《》“”]$")
_HAN_START = re.compile(rf"^[{HAN}，。、；：！？（）《》“”\d]")


def load_pdf(content: bytes) -> LoadedDocument:
    """The text of each page.

    Raises:
        DocumentUnreadable: the file is damaged, or needs a password.
    """
    try:
        pdf = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        reason = "it needs a password" if "password" in str(error).lower() else "it is damaged"
        raise DocumentUnreadable(f"The PDF can't be opened: {reason}.") from error
    try:
        title = pdf.get_metadata_value("Title").strip()
        builder = DocumentBuilder(title)
        for number in range(len(pdf)):
            builder.page(number + 1)
            for paragraph in paragraphs(_page_text(pdf, number)):
                builder.block(paragraph)
        return builder.build()
    finally:
        pdf.close()


def _page_text(pdf: pypdfium2.PdfDocument, number: int) -> str:
    try:
        page = pdf[number]
        text_page = page.get_textpage()
        text: str = text_page.get_text_bounded()
        text_page.close()
        page.close()
    except pypdfium2.PdfiumError as error:
        raise DocumentUnreadable(f"Page {number + 1} of the PDF is damaged.") from error
    # U+FFFE is how PDFium writes a hyphen at a line's end.
    return text.replace("\ufffe\r\n", "").replace("\ufffe", "").replace("\x02\r\n", "")


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


def _join(before: str, line: str) -> str:
    if _HAN_EDGE.search(before) and _HAN_START.search(line):
        return before + line
    if before.endswith("-") and line[:1].islower():
        return before[:-1] + line
    return f"{before} {line}"


def _width(line: str) -> int:
    """Width in half-width columns: a Han character is as wide as two letters."""
    return len(line) + len(re.findall(f"[{HAN}]", line))
