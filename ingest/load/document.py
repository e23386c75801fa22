"""What a loader returns, and the builder that most loaders use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from text.tables import COLUMNS, STEP, table_row, table_rule

# A table with fewer than one cell in so many filled is no grid to be read along its bars.
_SPARSE = 4


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch `text[start:end]` of a document under one heading path, on one page."""

    start: int
    end: int
    heading: str = ""
    page: int | None = None


@dataclass(frozen=True, slots=True)
class LoadedDocument:
    """The text of a file as it was read. All offsets are code points of `text`.

    `notes` say, in sentences, what of the file could not be read (a page without text, a broken
    attachment): what is left out is never left out silently.
    """

    text: str
    title: str = ""
    sections: tuple[Section, ...] = ()
    notes: tuple[str, ...] = ()


class DocumentBuilder:
    """Collects blocks in reading order and keeps track of headings and pages."""

    def __init__(self, title: str = "") -> None:
        self.title = title
        self._parts: list[str] = []
        self._length = 0
        self._sections: list[Section] = []
        self._path: list[tuple[int, str]] = []
        self._page: int | None = None
        self._section_start = 0
        self._notes: list[str] = []
        self._bare = False

    def note(self, text: str) -> None:
        """Say what of the file is not in its text."""
        self._notes.append(text)

    def heading(self, level: int, text: str) -> None:
        """Start a section; deeper levels stand below the ones before them."""
        text = " ".join(text.split())
        if not text:
            return
        self._keep_bare(level)
        self._close_section()
        self._path = [step for step in self._path if step[0] < level] + [(level, text)]
        self._bare = True
        self.title = self.title or text

    def leave(self) -> None:
        """Stand below no heading any more."""
        self._keep_bare(0)
        self._close_section()
        self._path = []

    def page(self, number: int) -> None:
        """Start page `number` (from 1)."""
        self._close_section()
        self._page = number

    def block(self, text: str) -> None:
        """Add a paragraph, a list item or a table."""
        text = text.strip()
        if text:
            self._parts.append(text + "\n\n")
            self._length += len(text) + 2
            self._bare = False

    def embed(self, document: LoadedDocument) -> None:
        """Add the text of another document; its sections stand below the heading in force."""
        self._close_section()
        path = [text for _, text in self._path]
        for section in document.sections:
            heading = STEP.join([*path, section.heading] if section.heading else path)
            start, end = section.start + self._length, section.end + self._length
            self._sections.append(Section(start, end, heading, section.page))
        self._parts.append(document.text + "\n\n")
        self._length += len(document.text) + 2
        self._section_start = self._length
        self._bare = False

    def table(self, rows: Iterable[Sequence[str]]) -> None:
        """Add a table whose first row is its header, as `table_blocks` writes it."""
        for block in table_blocks(rows):
            self.block(block)

    def records(self, rows: Iterable[Sequence[str]]) -> None:
        """Add a table whose first row is its header, each row as a block of `header: value`."""
        for block in _labelled(list(rows)):
            self.block(block)

    def build(self) -> LoadedDocument:
        """The document."""
        self._keep_bare(0)
        self._close_section()
        return LoadedDocument(
            "".join(self._parts), self.title, tuple(self._sections), tuple(self._notes)
        )

    def _keep_bare(self, level: int) -> None:
        """A heading with nothing below it is text itself: else nobody would find it."""
        if self._bare and self._path and level <= self._path[-1][0]:
            self.block(self._path[-1][1])

    def _close_section(self) -> None:
        if self._length > self._section_start:
            heading = STEP.join(text for _, text in self._path)
            self._sections.append(Section(self._section_start, self._length, heading, self._page))
        self._section_start = self._length


def table_blocks(rows: Iterable[Sequence[str]]) -> list[str]:
    """A table whose first row is its header, as one block of Markdown: `| City | Hotel |`.

    Columns and rows without a word are left out. Where Markdown says no more than the words, each row is
    a block of its own: a single column or row, rows below an empty header, or cells so few that a row
    would be bars (then as `header: value`).
    """
    table = [row for row in rows if row]
    filled = [row for row in table if any(cell.strip() for cell in row)]
    columns = sorted({n for row in filled for n, cell in enumerate(row) if cell.strip()})
    if len(columns) < 2 or len(filled) < 2:
        return [COLUMNS.join(" ".join(c.split()) for c in row if c.strip()) for row in filled]
    if filled[0] is not table[0]:
        return [labelled_row([], row) for row in filled]
    if _SPARSE * sum(bool(c.strip()) for row in filled for c in row) < len(columns) * len(filled):
        return _labelled(filled)
    lines = [table_row([row[n] if n < len(row) else "" for n in columns]) for row in filled]
    return ["\n".join([lines[0], table_rule(len(columns)), *lines[1:]])]


def _labelled(rows: Sequence[Sequence[str]]) -> list[str]:
    header = [" ".join(cell.split()) for cell in rows[0]] if rows else []
    filled = {n for row in rows[1:] for n, cell in enumerate(row) if cell.strip()}
    # A header over an empty column would be lost: it labels nothing.
    alone = COLUMNS.join(h for n, h in enumerate(header) if h and n not in filled)
    return [block for block in (alone, *(labelled_row(header, row) for row in rows[1:])) if block]


def labelled_row(header: Sequence[str], row: Sequence[str]) -> str:
    """`City: Leeds; Hotel: 120`. Cells beyond the header stand alone; empty cells are left out."""
    cells = []
    for number, cell in enumerate(row):
        value = " ".join(cell.split())
        if value:
            label = header[number] if number < len(header) else ""
            cells.append(f"{label}: {value}" if label and label != value else value)
    return "; ".join(cells)
