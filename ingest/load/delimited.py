"""Tables as text: which character parts the cells, and whether the first row is a header."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence

from contract.errors import DocumentUnreadable
from ingest.load.charset import decode_noted
from ingest.load.document import DocumentBuilder, LoadedDocument

# A sheet may hold long cells; the default limit of the csv module is 128 KiB.
csv.field_size_limit(64 * 1024 * 1024)

_DELIMITERS = ",\t;|"
_SAMPLE_LINES = 50
_SEP = re.compile(r'\A"?sep=(.)"?\r?\n', re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?[$€£¥]?\s?\d[\d.,:/ \u5e74\u6708\u65e5-]*%?\s?[€$]?")
# A quoted cell of more lines than this was never closed.
_MAX_CELL_LINES = 200


def load_csv(content: bytes) -> LoadedDocument:
    """A table; without a header, each row is one block of values.

    Raises:
        DocumentUnreadable: a cell is larger than 64 MB.
    """
    text, notes = decode_noted(content)
    builder = DocumentBuilder()
    declared = _SEP.match(text)
    if declared:
        text = text[declared.end() :]
    delimiter = declared.group(1) if declared else find_delimiter(text)
    try:
        rows = [row for row in _rows(text, delimiter, builder) if any(row)]
    except csv.Error as error:
        raise DocumentUnreadable(f"The table can't be read: {error}.") from error
    if has_header(rows):
        builder.table(rows)
    else:
        for row in rows:
            builder.block("; ".join(cell for cell in (" ".join(c.split()) for c in row) if cell))
    for note in notes:
        builder.note(note)
    return builder.build()


def find_delimiter(text: str) -> str:
    """The character that parts the first rows most evenly; a comma if none does."""
    lines = [line for line in text[:65_536].splitlines() if line.strip()][:_SAMPLE_LINES]
    best, most = ",", 0.0
    for delimiter in _DELIMITERS:
        counts = [len(row) - 1 for row in csv.reader(lines, delimiter=delimiter)]
        if not counts or not counts[0]:
            continue
        same = sum(count == counts[0] for count in counts) / len(counts)
        score = same + min(counts[0], 50) / 1000
        if score > most:
            best, most = delimiter, score
    return best


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns: no numbers or blanks in it, and short, unlike data."""
    if len(rows) < 2:
        return True
    first = [cell.strip() for cell in rows[0]]
    while first and not first[-1]:
        first.pop()
    if not first or any(_NUMBER.fullmatch(cell) for cell in first if cell):
        return all(re.fullmatch(r"(19|20)\d\d", c) for c in first[1:] if c) and len(first) > 2
    named = [cell for cell in first if cell]
    if len(set(named)) < len(named) or any(len(cell) > 80 for cell in named):
        return False
    if any(list(row) == list(rows[0]) for row in rows[1:_SAMPLE_LINES]):
        return False
    # A column of one kind under a cell of the same kind: an address or a link is no name of a column.
    return not any("@" in cell or "://" in cell for cell in named)


def _rows(text: str, delimiter: str, builder: DocumentBuilder) -> Iterator[list[str]]:
    if "\0" in text:
        text = text.replace("\0", "")
    lines = text.splitlines(keepends=True) if "\r" in text else text.split("\n")
    if not _is_closed(text, delimiter):
        builder.note("A quotation mark is never closed; the marks were read as characters.")
        yield from csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
        return
    if "\r" not in text:
        lines = [line + "\n" for line in lines]
    yield from csv.reader(lines, delimiter=delimiter)


def _is_closed(text: str, delimiter: str) -> bool:
    """Whether each quoted cell ends, and soon: an open one would swallow the rest of the table."""
    if '"' not in text:
        return True
    opened = re.compile(rf'(?:^|{re.escape(delimiter)})"', re.MULTILINE)
    position = 0
    while found := opened.search(text, position):
        start = found.end()
        end = _closing(text, start)
        if end < 0 or text.count("\n", start, end) > _MAX_CELL_LINES:
            return False
        position = end + 1
    return True


def _closing(text: str, start: int) -> int:
    while True:
        end = text.find('"', start)
        if end < 0 or text[end + 1 : end + 2] != '"':
            return end
        start = end + 2
