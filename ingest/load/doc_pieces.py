"""The characters of a Word 97 to 2003 file, and what its paragraphs and runs are (MS-DOC).

Numbers in parentheses are sections of [MS-DOC]. Text is kept in pieces all over the stream; a table of
pieces (2.8.35) says in which order they follow. Formatting is kept by file offset, in pages of 512
bytes (2.9.59, 2.9.177).
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from contract.errors import DocumentUnreadable

_PAGE = 512
_STORIES = ("text", "footnotes", "headers", "macros", "comments", "endnotes", "boxes", "head_boxes")
_DELETED, _HIDDEN = 0x0800, 0x083C
_IN_TABLE, _ROW_END, _OUTLINE, _LIST = 0x2416, 0x2417, 0x2640, 0x460B
# Sizes of the operand by the upper three bits of a property's code (2.6.1); 6 is variable.
_OPERAND = {0: 1, 1: 1, 2: 2, 3: 4, 4: 2, 5: 2, 7: 3}
_LONG_TABLE_CODES = (0xD606, 0xD608)
_BAD = "The Word document is damaged: its text can't be found."


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Properties of a paragraph; `level` is that of a heading, 0 for the title."""

    style: int = 0
    in_table: bool = False
    row_end: bool = False
    listed: bool = False
    level: int | None = None


class Pieces:
    """The stories of a document as text, with a look-up of the paragraph that a character is in."""

    def __init__(self, main: bytes, table: bytes) -> None:
        try:
            self._read(main, table)
        except (struct.error, IndexError, ValueError) as error:
            raise DocumentUnreadable(_BAD) from error

    def story(self, name: str) -> tuple[int, str]:
        """Where a story begins, and its text. Deleted and hidden characters are U+0000."""
        number = _STORIES.index(name)
        start = sum(self._lengths[:number])
        return start, self._text[start : start + self._lengths[number]]

    def paragraph(self, position: int) -> Paragraph:
        """The properties of the paragraph that ends with the character at `position`."""
        piece = max(0, bisect_right(self._starts, position) - 1)
        offset = self._offsets[piece] + (position - self._starts[piece]) * self._widths[piece]
        found = bisect_right(self._papx_starts, offset) - 1
        return self._papx[found] if found >= 0 else Paragraph()

    def _read(self, main: bytes, table: bytes) -> None:
        self._lengths = struct.unpack_from("<8i", main, 0x4C)
        if min(self._lengths) < 0:
            raise DocumentUnreadable(_BAD)
        place, size = struct.unpack_from("<2I", main, 0x1A2)
        starts, pieces = _piece_table(table[place : place + size])
        if starts[-1] > len(main):
            raise DocumentUnreadable(_BAD)
        self._starts, self._offsets, self._widths = starts[:-1], list[int](), list[int]()
        gone = list(_gone(main, table))
        texts = []
        for start, end, (position,) in zip(starts, starts[1:], pieces):
            narrow = bool(position & 0x40000000)
            offset = (position & 0x3FFFFFFF) // 2 if narrow else position & 0x3FFFFFFF
            width = 1 if narrow else 2
            self._offsets.append(offset)
            self._widths.append(width)
            content = main[offset : offset + (end - start) * width]
            text = content.decode("cp1252" if narrow else "utf-16-le", "replace")
            # A surrogate pair is two characters for the format; one filler keeps the places.
            text = "".join(c if c <= "\uffff" else c + "\x00" for c in text)
            texts.append(
                _without(text[: end - start].ljust(end - start, "\x00"), offset, width, gone)
            )
        self._text = "".join(texts)
        levels = _style_levels(main, table)
        papx = [(s, _paragraph(grpprl, levels)) for s, _, grpprl in _runs(main, table, 0x102, True)]
        papx.sort(key=lambda entry: entry[0])
        self._papx_starts = [start for start, _ in papx]
        self._papx = [paragraph for _, paragraph in papx]


def _piece_table(clx: bytes) -> tuple[list[int], list[tuple[int]]]:
    at = 0
    while clx[at] == 1:  # property modifiers of pieces (2.9.209)
        at += 3 + struct.unpack_from("<H", clx, at + 1)[0]
    if clx[at] != 2:
        raise DocumentUnreadable(_BAD)
    size = struct.unpack_from("<I", clx, at + 1)[0]
    count = (size - 4) // 12
    starts = list(struct.unpack_from(f"<{count + 1}I", clx, at + 5))
    if starts != sorted(starts):
        raise DocumentUnreadable(_BAD)
    first = at + 5 + 4 * (count + 1)
    return starts, [struct.unpack_from("<I", clx, first + 8 * n + 2) for n in range(count)]


def _runs(
    main: bytes, table: bytes, entry: int, of_paragraphs: bool
) -> Iterator[tuple[int, int, bytes]]:
    """`(start, end, properties)` of runs or paragraphs, by offset in the file."""
    place, size = struct.unpack_from("<2I", main, entry)
    count = (size - 4) // 8 if size >= 4 else 0
    plc = table[place : place + size]
    for number in range(count):
        page_number = struct.unpack_from("<I", plc, 4 * (count + 1) + 4 * number)[0] & 0x3FFFFF
        page = main[page_number * _PAGE : (page_number + 1) * _PAGE]
        if len(page) < _PAGE:
            continue
        runs = page[_PAGE - 1]
        if 4 * (runs + 1) > _PAGE:
            continue
        offsets = struct.unpack_from(f"<{runs + 1}I", page)
        for run in range(runs):
            step = 13 if of_paragraphs else 1
            at = 2 * page[min(4 * (runs + 1) + step * run, _PAGE - 1)]
            yield offsets[run], offsets[run + 1], _properties(page, at, of_paragraphs)


def _properties(page: bytes, at: int, of_paragraphs: bool) -> bytes:
    if at == 0 or at >= _PAGE - 1:
        return b""
    length = page[at]
    if not of_paragraphs:
        return page[at + 1 : at + 1 + length]
    if length == 0:  # 2.9.177: then the next byte counts, and counts words
        return page[at + 2 : at + 2 + 2 * page[at + 1]]
    return page[at + 1 : at + 2 * length]


def _modifiers(grpprl: bytes) -> Iterator[tuple[int, int]]:
    """`(code, value)` of properties; the value of those longer than four bytes is not read."""
    at = 0
    while at + 3 <= len(grpprl):
        code = struct.unpack_from("<H", grpprl, at)[0]
        at += 2
        size = _OPERAND.get(code >> 13)
        if size is None:
            wide = code in _LONG_TABLE_CODES
            size = (
                (struct.unpack_from("<H", grpprl + b"\x00", at)[0] + 1) if wide else grpprl[at] + 1
            )
        yield code, int.from_bytes(grpprl[at : at + size], "little") if size <= 4 else 0
        at += size


def _paragraph(papx: bytes, levels: dict[int, int]) -> Paragraph:
    if len(papx) < 2:
        return Paragraph()
    style = struct.unpack_from("<H", papx)[0]
    values = dict(_modifiers(papx[2:]))
    outline = values.get(_OUTLINE, 9)
    return Paragraph(
        style,
        bool(values.get(_IN_TABLE)),
        bool(values.get(_ROW_END)),
        values.get(_LIST, 0) not in (0, 0xF801),
        outline + 1 if outline < 9 else levels.get(style),
    )


def _gone(main: bytes, table: bytes) -> Iterator[tuple[int, int]]:
    for start, end, grpprl in _runs(main, table, 0xFA, False):
        if grpprl and any(v == 1 for c, v in _modifiers(grpprl) if c in (_DELETED, _HIDDEN)):
            yield start, end


def _without(text: str, offset: int, width: int, gone: list[tuple[int, int]]) -> str:
    for start, end in gone:
        first = max(0, (start - offset) // width)
        last = min(len(text), (end - offset) // width)
        if first < last:
            text = text[:first] + "\x00" * (last - first) + text[last:]
    return text


def _style_levels(main: bytes, table: bytes) -> dict[int, int]:
    """Heading levels by index of style: built-in styles 1 to 9 and the title (2.9.260, 2.9.271)."""
    place, size = struct.unpack_from("<2I", main, 0xA2)
    sheet = table[place : place + size]
    levels: dict[int, int] = {}
    bases: dict[int, int] = {}
    if len(sheet) < 6:
        return {number: number for number in range(1, 10)}
    at = 2 + struct.unpack_from("<H", sheet)[0]
    for number in range(struct.unpack_from("<H", sheet, 2)[0]):
        if at + 6 > len(sheet):
            break
        length, built_in, based = struct.unpack_from("<3H", sheet, at)
        if length >= 4:
            known = built_in & 0xFFF
            bases[number] = based >> 4
            if 1 <= known <= 9 or known == 62:
                levels[number] = known % 62
        at += 2 + length + length % 2
    for number, base in bases.items():
        if number not in levels and base in levels:
            levels[number] = levels[base]
    return levels
