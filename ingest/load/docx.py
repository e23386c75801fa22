"""Word documents: the body in reading order, with what hangs on it (ECMA-376 part 1, section 17).

Read from the XML itself: text boxes, tracked changes, footnotes and content controls are kept where
they stand, and a table whose grid is wrong or a part that is missing costs nothing else. Templates
and documents with macros have the same parts; macros are never run.
"""

from __future__ import annotations

from collections.abc import Iterator

from contract.errors import DocumentUnreadable
from ingest.load.chart import chart_rows, diagram_lines
from ingest.load.document import DocumentBuilder, LoadedDocument, labelled_row
from ingest.load.docx_numbering import Numbering
from ingest.load.docx_runs import Runs
from ingest.load.docx_styles import Styles, is_on
from ingest.load.package import (
    Element,
    Package,
    Relation,
    attribute,
    children,
    find,
    local,
)

_WRAPPERS = frozenset({"ins", "moveTo", "customXml", "smartTag", "sdtContent", "txbxContent"})
_NOTE_PARTS = {"footnoteReference": "footnotes", "endnoteReference": "endnotes"}
_KIND = "Word document"


def load_docx(content: bytes) -> LoadedDocument:
    """The text of a Word document (docx, docm, dotx, dotm).

    Insertions that are still tracked are in, deletions and hidden text are out. Headers and footers
    come first, each once; a footnote or comment follows the paragraph that it belongs to.

    Raises:
        DocumentUnreadable: the file is damaged, needs a password or is no Word document.
    """
    package = Package(content, _KIND)
    main = package.main_part("word/document.xml")
    body = find(package.xml(main), "body")
    if body is None:
        raise DocumentUnreadable(f"The {_KIND} can't be read: its main part is missing or broken.")
    reader = _Reader(package, main)
    reader.running_heads()
    reader.blocks(body)
    for name in sorted(set(package.damaged)):
        reader.builder.note(f"The part {name} is damaged; text in it may be missing.")
    return reader.builder.build()


class _Reader:
    def __init__(self, package: Package, main: str) -> None:
        self.builder = DocumentBuilder(package.title())
        self._package = package
        self._relations = package.relations(main)
        self._styles = Styles(self._part("styles"))
        self._numbering = Numbering(self._part("numbering"), self._styles)
        self._notes = {part: self._by_id(part) for part in ("footnotes", "endnotes", "comments")}

    def running_heads(self) -> None:
        seen = set()
        for relation in self._relations:
            if relation.kind in ("header", "footer"):
                root = self._package.xml(relation.target)
                text = "\n".join(self._cell_lines(root)) if root is not None else ""
                if any(c.isalpha() for c in text) and text not in seen:
                    seen.add(text)
                    self.builder.block(text)

    def blocks(self, parent: Element) -> None:
        """Paragraphs and tables below `parent`, with what is anchored in them."""
        for kind, element in _flow(parent):
            if kind == "table":
                self._table(element)
            elif kind == "altChunk":
                self.builder.note("A document embedded by reference was not read.")
            else:
                self._paragraph(element)

    def _paragraph(self, paragraph: Element) -> None:
        runs = Runs(paragraph)
        style = self._styles.of(paragraph)
        level = style.heading_level(paragraph)
        label = self._numbering.label(paragraph) if runs.text.strip() else ""
        text = f"{label} {runs.text.strip()}".strip()
        if level is not None and text:
            self.builder.heading(level, text)
        else:
            self.builder.block(text)
        for box in runs.boxes:
            self.blocks(box)
        for kind, identifier in runs.references:
            self._reference(kind, identifier)

    def _reference(self, kind: str, identifier: str) -> None:
        if kind in ("chart", "relIds"):
            relation = next((r for r in self._relations if r.id == identifier), None)
            root = self._package.xml(relation.target) if relation else None
            if kind == "chart":
                self.builder.records(chart_rows(root))
            for line in diagram_lines(root) if kind == "relIds" else ():
                self.builder.block(line)
            return
        part = _NOTE_PARTS.get(kind, "comments")
        note = self._notes[part].pop(identifier, None)
        if note is not None:
            text = " ".join(self._cell_lines(note))
            author = attribute(note, "author") if part == "comments" else ""
            self.builder.block(f"{author}: {text}" if author and text else text)

    def _table(self, table: Element) -> None:
        rows = [self._row(row) for row in _rows(table)]
        filled = [cells for cells in rows if any(cells)]
        if sum(bool(cell) for cells in filled for cell in cells) <= 1:
            # A frame around text, not a table.
            for cell in _cells(table):
                self.blocks(cell)
            return
        self.builder.table(filled)

    def _row(self, row: Element) -> list[str]:
        skip = _number(find(row, "trPr", "gridBefore"))
        cells = [""] * skip
        for cell in _cells(row):
            cells.append("\n".join(self._cell_lines(cell)))
            cells += [""] * (_number(find(cell, "tcPr", "gridSpan")) - 1)
        return cells

    def _cell_lines(self, parent: Element) -> list[str]:
        """The text of a cell or a note as lines; a table inside it as one line for each row."""
        lines: list[str] = []
        for kind, element in _flow(parent):
            if kind == "table":
                rows = [self._row(row) for row in _rows(element)]
                header = rows[0] if rows else []
                body = rows[1:] or rows
                lines += [labelled_row(header if body is not rows else [], row) for row in body]
            elif kind == "paragraph":
                runs = Runs(element)
                if runs.text.strip():
                    lines.append(f"{self._numbering.label(element)} {runs.text}".strip())
                for box in runs.boxes:
                    lines += self._cell_lines(box)
                for reference, identifier in runs.references:
                    note = self._notes.get(_NOTE_PARTS.get(reference, ""), {}).pop(identifier, None)
                    if note is not None:
                        lines += self._cell_lines(note)
        return [line for line in lines if line]

    def _part(self, kind: str) -> Element | None:
        relation: Relation | None = next((r for r in self._relations if r.kind == kind), None)
        return self._package.xml(relation.target) if relation else None

    def _by_id(self, part: str) -> dict[str, Element]:
        root = self._part(part)
        notes = {} if root is None else {attribute(note, "id"): note for note in root}
        # Separator lines are kept as notes too, with a type.
        return {key: note for key, note in notes.items() if not attribute(note, "type")}


def _flow(parent: Element) -> Iterator[tuple[str, Element]]:
    stack = [iter(parent)]
    while stack:
        element = next(stack[-1], None)
        if element is None:
            stack.pop()
            continue
        name = local(element)
        if name == "p":
            yield "paragraph", element
        elif name == "tbl":
            yield "table", element
        elif name == "altChunk":
            yield "altChunk", element
        elif name in _WRAPPERS:
            stack.append(iter(element))
        elif name == "sdt":
            stack.append(children(element, "sdtContent"))
        elif name == "AlternateContent":
            choice = find(element, "Choice")
            stack.append(iter(choice if choice is not None else element))
        elif name in ("Fallback", "footnote", "endnote", "comment"):
            stack.append(iter(element))


def _rows(table: Element) -> Iterator[Element]:
    for row in _inside(table, "tr"):
        if find(row, "trPr", "del") is None and not is_on(find(row, "trPr", "hidden")):
            yield row


def _cells(parent: Element) -> Iterator[Element]:
    """The cells of a row, or of all rows of a table."""
    if local(parent) == "tbl":
        for row in _rows(parent):
            yield from _cells(row)
    else:
        yield from _inside(parent, "tc")


def _inside(parent: Element, name: str) -> Iterator[Element]:
    for child in parent:
        kind = local(child)
        if kind == name:
            yield child
        elif kind in _WRAPPERS or kind == "sdt":
            yield from _inside(child, name)


def _number(element: Element | None) -> int:
    value = attribute(element, "val")
    return min(int(value), 1000) if value.isdigit() else 0
