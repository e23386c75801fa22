"""PowerPoint presentations: each slide is a page, its title a heading (ECMA-376 part 1, section 19)."""

from __future__ import annotations

from collections.abc import Iterator

from contract.errors import DocumentUnreadable
from ingest.load.chart import chart_rows, diagram_lines
from ingest.load.document import DocumentBuilder, LoadedDocument
from ingest.load.package import (
    Element,
    Package,
    attribute,
    children,
    descendants,
    find,
    local,
)

_KIND = "PowerPoint presentation"
_SKIPPED_PLACEHOLDERS = frozenset({"sldNum", "dt", "ftr", "hdr", "sldImg"})
_SKIPPED_FIELDS = ("slidenum", "datetime")


def load_pptx(content: bytes) -> LoadedDocument:
    """The text of each slide, then its speaker notes and comments (pptx, pptm, ppsx, potx).

    Slides that are hidden in the show are read too. A footer that many slides share is given once.

    Raises:
        DocumentUnreadable: the file is damaged, needs a password or is no presentation.
    """
    package = Package(content, _KIND)
    main = package.main_part("ppt/presentation.xml")
    root = package.xml(main)
    slides = _slide_names(package, main, root)
    if root is None and not slides:
        raise DocumentUnreadable(f"The {_KIND} can't be read: its main part is missing or broken.")
    builder = DocumentBuilder(package.title())
    footers: set[str] = set()
    for number, name in enumerate(slides, 1):
        builder.page(number)
        builder.leave()
        slide = package.xml(name)
        if slide is None:
            builder.note(f"Slide {number} is missing or damaged.")
            continue
        _Slide(package, name, builder, footers).read(slide)
    for name in sorted(set(package.damaged) - set(slides)):
        builder.note(f"The part {name} is damaged; text in it may be missing.")
    return builder.build()


def _slide_names(package: Package, main: str, root: Element | None) -> list[str]:
    targets = {relation.id: relation.target for relation in package.relations(main)}
    entries = list(children(find(root, "sldIdLst"), "sldId"))
    names = []
    for entry in entries:
        # An entry has an `id` of its own beside the one of its relation.
        keys = [str(value) for key, value in entry.attrib.items() if str(key).startswith("{")]
        names += [targets[key] for key in keys if key in targets]
    if names:
        return names
    slides = [n for n in package.names() if n.startswith("ppt/slides/") and n.endswith(".xml")]
    return sorted(slides, key=lambda name: (len(name), name))


class _Slide:
    def __init__(
        self, package: Package, name: str, builder: DocumentBuilder, footers: set[str]
    ) -> None:
        self._package = package
        self._relations = package.relations(name)
        self._builder = builder
        self._footers = footers

    def read(self, slide: Element) -> None:
        shapes = list(_shapes(find(slide, "cSld", "spTree")))
        title = next((shape for shape in shapes if _placeholder(shape) in _TITLES), None)
        if title is not None:
            self._builder.heading(1, " ".join(_paragraphs(find(title, "txBody"))))
        for shape in shapes:
            if shape is not title:
                self._shape(shape)
        for relation in self._relations:
            if relation.kind == "notesSlide":
                self._notes(self._package.xml(relation.target))
            elif relation.kind == "comments":
                self._comments(self._package.xml(relation.target))

    def _shape(self, shape: Element) -> None:
        if local(shape) == "graphicFrame":
            self._frame(shape)
            return
        kind = _placeholder(shape)
        lines = _paragraphs(find(shape, "txBody"))
        if kind == "ftr":
            lines = [line for line in lines if line not in self._footers]
            self._footers.update(lines)
        elif kind in _SKIPPED_PLACEHOLDERS:
            return
        for line in lines:
            self._builder.block(line)

    def _frame(self, frame: Element) -> None:
        for table in descendants(frame, "tbl"):
            self._builder.table([_row(row) for row in children(table, "tr")])
        for chart in descendants(frame, "chart"):
            self._builder.records(chart_rows(self._target(attribute(chart, "id"))))
        for diagram in descendants(frame, "relIds"):
            for line in diagram_lines(self._target(attribute(diagram, "dm"))):
                self._builder.block(line)

    def _notes(self, root: Element | None) -> None:
        for shape in _shapes(find(root, "cSld", "spTree")):
            if _placeholder(shape) not in _SKIPPED_PLACEHOLDERS:
                for line in _paragraphs(find(shape, "txBody")):
                    self._builder.block(line)

    def _comments(self, root: Element | None) -> None:
        for name in ("text", "t"):
            for text in descendants(root, name):
                self._builder.block(text.text or "")

    def _target(self, identifier: str) -> Element | None:
        relation = next((r for r in self._relations if r.id == identifier), None)
        return self._package.xml(relation.target) if relation else None


_TITLES = ("title", "ctrTitle")


def _shapes(tree: Element | None) -> Iterator[Element]:
    if tree is None:
        return
    for element in tree:
        name = local(element)
        if name in ("sp", "graphicFrame", "cxnSp"):
            yield element
        elif name == "grpSp":
            yield from _shapes(element)
        elif name == "AlternateContent":
            choice = find(element, "Choice")
            yield from _shapes(choice if choice is not None else find(element, "Fallback"))


def _placeholder(shape: Element) -> str:
    for kind in ("nvSpPr", "nvGraphicFramePr"):
        placeholder = find(shape, kind, "nvPr", "ph")
        if placeholder is not None:
            return placeholder.get("type") or "body"
    return ""


def _row(row: Element) -> list[str]:
    # The cells that a merged one covers are there too, and empty.
    return ["\n".join(_paragraphs(find(cell, "txBody"))) for cell in children(row, "tc")]


def _paragraphs(body: Element | None) -> list[str]:
    found = []
    for paragraph in children(body, "p"):
        parts = []
        for element in paragraph:
            name = local(element)
            if name == "br":
                parts.append("\n")
            elif name != "fld" or not (element.get("type") or "").startswith(_SKIPPED_FIELDS):
                parts += [text.text or "" for text in descendants(element, "t")]
        text = "".join(parts).replace("\v", "\n").strip()
        if text:
            found.append(text)
    return found
