"""Word 97 to 2003 documents (MS-DOC): text, headings, tables, notes, headers and text boxes."""

from __future__ import annotations

import re
import struct

import olefile

from contract.errors import DocumentUnreadable, FormatUnsupported
from ingest.load.doc_pieces import Paragraph, Pieces
from ingest.load.document import DocumentBuilder, LoadedDocument
from ingest.load.ole import container, stream_of, title_of

_KIND = "Word document"
_WORD_6, _WORD_95 = (0xA5DC, 0xA697, 0xA698, 0xA699), 0x00C0
_ENCRYPTED, _TABLE_1 = 0x0100, 0x0200
# Ends of paragraphs, of cells and rows, of pages and sections.
_END = re.compile("[\r\x07\x0c]")
_FIELD = re.compile("[\x13\x14\x15]")
_MARKS = str.maketrans({"\x0b": "\n", "\x1e": "-", "\x1f": "", "\xa0": " "})
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f]")


def load_doc(content: bytes) -> LoadedDocument:
    """The text of a doc, dot or wps file. Headers and footers come first, notes at the end.

    Raises:
        DocumentUnreadable: the file is damaged or needs a password.
        FormatUnsupported: it is older than Word 97, or no Word document.
    """
    with container(content, "WordDocument", _KIND) as ole:
        pieces = _pieces(ole)
        builder = DocumentBuilder(title_of(ole))
    seen = set()
    for line in _lines(pieces, "headers"):
        if line not in seen and any(c.isalpha() for c in line):
            seen.add(line)
            builder.block(line)
    _body(pieces, builder)
    for story in ("boxes", "footnotes", "endnotes", "comments"):
        for line in _lines(pieces, story):
            builder.block(line)
    return builder.build()


def _pieces(ole: olefile.OleFileIO) -> Pieces:
    main = stream_of(ole, "WordDocument", _KIND)
    if len(main) < 0x1AA:
        raise DocumentUnreadable(f"The {_KIND} is damaged: it is cut short.")
    magic, version = struct.unpack_from("<2H", main)
    flags = struct.unpack_from("<H", main, 0x0A)[0]
    if flags & _ENCRYPTED:
        raise DocumentUnreadable(f"The {_KIND} needs a password.")
    if magic in _WORD_6 or version <= _WORD_95:
        raise FormatUnsupported(
            "It was made with Word 6 or 95. Open it in LibreOffice or Word and save it as .docx."
        )
    table = "1Table" if flags & _TABLE_1 else "0Table"
    return Pieces(main, stream_of(ole, table, _KIND))


def _body(pieces: Pieces, builder: DocumentBuilder) -> None:
    rows: list[list[str]] = []
    cells: list[str] = []
    lines: list[str] = []
    for text, mark, paragraph in _paragraphs(pieces, "text"):
        if mark == "\x07" and paragraph.row_end:
            rows.append(cells)
            cells, lines = [], []
        elif mark == "\x07":
            cells.append("\n".join([*lines, text]))
            lines = []
        elif paragraph.in_table:
            lines.append(text)
        else:
            builder.table([row for row in rows if any(row)])
            rows = []
            _block(text, paragraph, builder)
    builder.table([row for row in [*rows, cells, lines] if any(row)])


def _block(text: str, paragraph: Paragraph, builder: DocumentBuilder) -> None:
    if paragraph.level is not None and text:
        builder.heading(paragraph.level, text)
    else:
        builder.block(f"- {text}" if paragraph.listed and text else text)


def _lines(pieces: Pieces, story: str) -> list[str]:
    lines = [text for text, _, _ in _paragraphs(pieces, story)]
    return [line for line in lines if line]


def _paragraphs(pieces: Pieces, story: str) -> list[tuple[str, str, Paragraph]]:
    """Text, closing mark and properties of each paragraph."""
    start, text = pieces.story(story)
    text = _without_instructions(text)
    found = []
    begin = 0
    for end in _END.finditer(text):
        found.append(
            (_clean(text[begin : end.start()]), end.group(), pieces.paragraph(start + end.start()))
        )
        begin = end.end()
    if text[begin:].strip("\x00"):
        found.append((_clean(text[begin:]), "\r", Paragraph()))
    return found


def _without_instructions(text: str) -> str:
    """Fields keep their result; what they were told to do becomes U+0000, so places stay."""
    open_fields: list[int] = []
    instructions: list[tuple[int, int]] = []
    separators: dict[int, int] = {}
    for mark in _FIELD.finditer(text):
        if mark.group() == "\x13":
            open_fields.append(mark.start())
        elif open_fields and mark.group() == "\x14":
            separators.setdefault(open_fields[-1], mark.start())
        elif open_fields:
            begin = open_fields.pop()
            instructions.append((begin, separators.get(begin, mark.start())))
    parts, position = [], 0
    for begin, end in sorted(instructions):
        if end > position:
            begin = max(begin, position)
            parts += [text[position:begin], "\x00" * (end - begin)]
            position = end
    return "".join([*parts, text[position:]])


def _clean(text: str) -> str:
    return _CONTROL.sub("", text.translate(_MARKS)).strip()
