"""OpenDocument text, slides and drawings, as a package or as one flat XML file (ODF 1.3, part 3)."""

from __future__ import annotations

from collections.abc import Iterator

from contract.errors import DocumentUnreadable
from ingest.load.document import DocumentBuilder, LoadedDocument, labelled_row
from ingest.load.odf_paragraph import inline
from ingest.load.package import (
    Element,
    Package,
    attribute,
    children,
    descendants,
    find,
    local,
    parse_xml,
    text_of,
)
from ingest.load.sheet_rows import add_tables

_KIND = "OpenDocument file"
_BODIES = ("text", "presentation", "drawing", "spreadsheet")
_SHAPES = frozenset(
    "frame text-box custom-shape g rect ellipse line connector polygon path".split()
)
_CONTAINERS = (
    frozenset(
        "section index-body index-title table-of-content illustration-index alphabetical-index "
        "user-index bibliography numbered-paragraph a".split()
    )
    | _SHAPES
)
_ROWS = frozenset({"table-header-rows", "table-rows", "table-row-group"})
# A repeat that is longer than this fills a sheet with one format, not with text.
_MAX_REPEAT = 100


def load_odf(content: bytes) -> LoadedDocument:
    """The text of an odt, ott, odp, otp or odg file, or of their flat forms (fodt, fodp, fods, fodg).

    Deletions that are still tracked are out. Headers and footers come first, each once.

    Raises:
        DocumentUnreadable: the file is damaged, needs a password or is no OpenDocument file.
    """
    if content.startswith(b"PK"):
        package = Package(content, _KIND)
        if package.is_encrypted():
            raise DocumentUnreadable(f"The {_KIND} needs a password.")
        root, styles = package.xml("content.xml"), package.xml("styles.xml")
        meta, damaged = package.xml("meta.xml"), sorted(set(package.damaged))
    else:
        root, whole = parse_xml(content)
        styles = meta = root
        damaged = [] if whole else ["of XML"]
    body = find(root, "body")
    main = next((e for e in body if local(e) in _BODIES), None) if body is not None else None
    if main is None:
        raise DocumentUnreadable(f"The {_KIND} can't be read: its main part is missing or broken.")
    builder = DocumentBuilder(text_of(next(descendants(find(meta, "meta"), "title"), None)))
    reader = _Reader(builder)
    reader.running_heads(styles)
    reader.body(main)
    for name in damaged:
        builder.note(f"The part {name} is damaged; text in it may be missing.")
    return builder.build()


class _Reader:
    def __init__(self, builder: DocumentBuilder) -> None:
        self._builder = builder

    def running_heads(self, styles: Element | None) -> None:
        seen = set()
        for name in ("header", "footer"):
            for element in descendants(find(styles, "master-styles"), name):
                text = "\n".join(self._lines(element))
                if any(c.isalpha() for c in text) and text not in seen:
                    seen.add(text)
                    self._builder.block(text)

    def body(self, main: Element) -> None:
        pages = list(children(main, "page"))
        sheets = list(children(main, "table")) if local(main) == "spreadsheet" else []
        for number, page in enumerate(pages, 1):
            self._builder.page(number)
            self._builder.leave()
            self._page(page)
        for sheet in sheets:
            self._builder.heading(1, attribute(sheet, "name"))
            add_tables(self._rows(sheet), self._builder)
        if not pages and not sheets:
            self._blocks(main)

    def _page(self, page: Element) -> None:
        titles = [f for f in children(page, "frame") if attribute(f, "class") == "title"]
        for title in titles[:1]:
            self._builder.heading(1, " ".join(self._lines(title)))
        for element in page:
            if element not in titles[:1] and local(element) != "notes":
                self._element(element)
        for notes in children(page, "notes"):
            for frame in children(notes, "frame"):
                if attribute(frame, "class") in ("notes", ""):
                    self._blocks(frame)

    def _blocks(self, parent: Element, prefix: str = "") -> None:
        for element in parent:
            self._element(element, prefix)

    def _element(self, element: Element, prefix: str = "") -> None:
        name = local(element)
        if name == "p":
            text, anchored = inline(element)
            self._builder.block(f"{prefix}{text.strip()}" if text.strip() else "")
            for box in anchored:
                self._aside(box)
        elif name == "h":
            text, anchored = inline(element)
            level = attribute(element, "outline-level")
            self._builder.heading(int(level) if level.isdigit() else 1, text)
            for box in anchored:
                self._aside(box)
        elif name == "list":
            for item in element:
                self._blocks(item, "- " if local(item) == "list-item" else "")
        elif name == "table":
            self._table(element)
        elif name == "annotation":
            self._aside(element)
        elif name in _CONTAINERS:
            self._blocks(element, prefix)

    def _aside(self, element: Element) -> None:
        """A footnote, a comment or a text box, after the paragraph that it is anchored in."""
        if local(element) == "annotation":
            author = text_of(find(element, "creator"))
            text = " ".join(self._lines(element))
            self._builder.block(f"{author}: {text}" if author and text else text)
        elif local(element) == "note":
            self._builder.block(" ".join(self._lines(find(element, "note-body"))))
        else:
            self._element(element)

    def _table(self, table: Element) -> None:
        rows = [row for row in self._rows(table) if any(row)]
        if sum(bool(cell) for row in rows for cell in row) <= 1:
            for cell in descendants(table, "table-cell"):
                self._blocks(cell)
        else:
            self._builder.table(rows)

    def _rows(self, table: Element) -> Iterator[list[str]]:
        for element in table:
            if local(element) in _ROWS:
                yield from self._rows(element)
            elif local(element) == "table-row":
                cells = self._cells(element)
                for _ in range(_repeat(element, "rows") if any(cells) else 1):
                    yield cells

    def _cells(self, row: Element) -> list[str]:
        cells: list[str] = []
        for element in row:
            if local(element) in ("table-cell", "covered-table-cell"):
                covered = local(element) == "covered-table-cell"
                text = "" if covered else "\n".join(self._lines(element))
                cells += [text] * _repeat(element, "columns")
        while cells and not cells[-1]:
            cells.pop()
        return cells

    def _lines(self, parent: Element | None) -> list[str]:
        """The text inside an element as lines; a table inside it as a line for each row."""
        lines: list[str] = []
        for element in () if parent is None else parent:
            name = local(element)
            if name in ("p", "h"):
                text, anchored = inline(element)
                lines.append(text.strip())
                for box in anchored:
                    lines += self._lines(find(box, "note-body") if local(box) == "note" else box)
            elif name == "table":
                lines += [labelled_row([], row) for row in self._rows(element)]
            elif name in _CONTAINERS or name in ("list", "list-item", "list-header"):
                lines += self._lines(element)
        return [line for line in lines if line]


def _repeat(element: Element, what: str) -> int:
    count = attribute(element, f"number-{what}-repeated")
    return min(int(count), _MAX_REPEAT) if count.isdigit() else 1
