"""PDF: the text layer page by page; scanned pages by OCR; bookmarks as headings."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable

import pypdfium2
from pypdfium2 import raw

from contract.errors import DocumentUnreadable
from ingest.load import ocr
from ingest.load.document import DocumentBuilder, LoadedDocument
from ingest.load.lines import paragraphs
from ingest.load.pdf_heads import without_running_heads
from ingest.load.pdf_page import (
    field_values,
    has_picture,
    has_text,
    is_drawn_on,
    page_lines,
    picture_of,
)

# Scanned pages are read until the file has taken this many seconds of the processor.
_OCR_SECONDS = 900.0
_MAX_BOOKMARK_DEPTH = 6
_NO_TITLES = ("untitled", "(anonymous)", "document1", "无标题")


def load_pdf(content: bytes) -> LoadedDocument:
    """The text of each page, with the values of form fields and comments after it.

    Running heads are given once. A page that can't be read is named in a note, and the others are
    read. Files that only a change needs a password for are read.

    Raises:
        DocumentUnreadable: the file is damaged, has no pages, or needs a password.
    """
    try:
        pdf = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        raise DocumentUnreadable(_why_not(content, str(error))) from error
    try:
        if len(pdf) == 0:
            raise DocumentUnreadable("The PDF has no pages.")
        return _Reader(pdf).read()
    finally:
        pdf.close()


def _why_not(content: bytes, error: str) -> str:
    if "password" in error.lower():
        return "The PDF can't be opened: it needs a password."
    if b"%PDF-" not in content[:4096]:
        return "The PDF can't be opened: it is not a PDF, or its beginning is damaged."
    if b"%%EOF" not in content[-4096:]:
        return "The PDF can't be opened: it is damaged, its end is missing."
    return "The PDF can't be opened: it is damaged, or has no pages."


def _title(pdf: pypdfium2.PdfDocument) -> str:
    """The title that the author gave; what programs write when there is none is no title."""
    title: str = pdf.get_metadata_value("Title").strip()
    return "" if title.lower() in _NO_TITLES else title.removeprefix("Microsoft Word - ")


class _Reader:
    def __init__(self, pdf: pypdfium2.PdfDocument) -> None:
        self._pdf = pdf
        self._builder = DocumentBuilder(_title(pdf))
        self._lines: list[list[str]] = []
        self._extra: dict[int, list[str]] = {}
        self._scanned: dict[int, list[str]] = {}
        self._damaged: list[int] = []
        self._unread: list[int] = []
        self._garbled: list[int] = []
        self._late: list[int] = []
        self._deadline = time.process_time() + _OCR_SECONDS

    def read(self) -> LoadedDocument:
        if self._pdf.get_formtype() != raw.FORMTYPE_NONE:
            self._pdf.init_forms()
        for number in range(len(self._pdf)):
            self._lines.append(self._page(number))
        bookmarks = self._bookmarks()
        for number, lines in enumerate(without_running_heads(self._lines)):
            self._builder.page(number + 1)
            self._add(lines, bookmarks.get(number, {}))
            for text in self._scanned.get(number, []) + self._extra.get(number, []):
                self._builder.block(text)
        self._notes()
        return self._builder.build()

    def _page(self, number: int) -> list[str]:
        try:
            page = self._pdf[number]
        except pypdfium2.PdfiumError:
            self._damaged.append(number)
            return []
        try:
            lines, known = page_lines(page)
            self._extra[number] = field_values(self._pdf, page)
            if known and has_text(lines):
                return lines
            stamp = known and any(line.strip() for line in lines)
            if has_picture(page) if stamp else is_drawn_on(page):
                self._picture(page, number, known)
            return lines if known else []
        except pypdfium2.PdfiumError:
            self._damaged.append(number)
            return []
        finally:
            page.close()

    def _picture(self, page: pypdfium2.PdfPage, number: int, known: bool) -> None:
        if not ocr.available():
            (self._unread if known else self._garbled).append(number)
        elif time.process_time() > self._deadline:
            self._late.append(number)
        else:
            self._scanned[number], whole = ocr.read_picture(picture_of(page))
            if not whole:
                self._late.append(number)

    def _bookmarks(self) -> dict[int, dict[str, int]]:
        """Levels by title, for each page that bookmarks lead to."""
        found: dict[int, dict[str, int]] = defaultdict(dict)
        try:
            for mark in self._pdf.get_toc(max_depth=_MAX_BOOKMARK_DEPTH):
                place = mark.get_dest()
                index = place.get_index() if place else None
                if index is not None:
                    found[index].setdefault(_plain(mark.get_title()), mark.level + 1)
        except (pypdfium2.PdfiumError, ValueError):
            return {}
        return found

    def _add(self, lines: list[str], bookmarks: dict[str, int]) -> None:
        begin = 0
        for at, line in enumerate(lines):
            level = bookmarks.pop(_plain(line), None) if bookmarks else None
            if level is not None:
                self._blocks(lines[begin:at])
                self._builder.heading(level, line)
                begin = at + 1
        self._blocks(lines[begin:])

    def _blocks(self, lines: list[str]) -> None:
        for paragraph in paragraphs("\n".join(lines)):
            self._builder.block(paragraph)

    def _notes(self) -> None:
        note = self._builder.note
        if self._damaged:
            note(f"{_pages(self._damaged, 'is', 'are')} damaged and could not be read.")
        if self._unread:
            note(f"{_pages(self._unread, 'has', 'have')} no text layer; {ocr.HOW_TO_INSTALL}.")
        if self._garbled:
            note(
                f"{_pages(self._garbled, 'has', 'have')} text in fonts that do not say which "
                f"characters they mean; {ocr.HOW_TO_INSTALL}."
            )
        if self._late:
            note(f"{_pages(self._late, 'was', 'were')} not read to the end: OCR took too long.")
        if self._pdf.get_formtype() == raw.FORMTYPE_XFA_FULL:
            note("It is an XFA form, which only Adobe's programs show; print it to a PDF.")
        attached = self._pdf.count_attachments()
        if attached:
            note(f"Files attached to the PDF were not read: {attached}.")
        if not self._unread and not self._damaged and not any(map(any, self._lines)):
            if not any(self._scanned.values()):
                note("No text was found on its pages.")


def _plain(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())


def _pages(numbers: Iterable[int], one: str, many: str) -> str:
    """`Page 3 has`, or `Pages 3-5, 9 have`, counted from 1."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and spans[-1][1] == number:
            spans[-1][1] = number + 1
        else:
            spans.append([number + 1, number + 1])
    written = ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in spans)
    single = len(spans) == 1 and spans[0][0] == spans[0][1]
    return f"Page {written} {one}" if single else f"Pages {written} {many}"
