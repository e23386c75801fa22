"""The text of one Word paragraph (ECMA-376 part 1, sections 17.3 and 17.16)."""

from __future__ import annotations

from ingest.load.docx_styles import is_on
from ingest.load.package import Element, attribute, descendants, find, local

_SKIPPED = frozenset(
    "del moveFrom pPr rPr delText delInstrText instrText fldData sdtPr sdtEndPr rt rubyPr".split()
)
_DRAWINGS = frozenset({"drawing", "pict", "object"})
_LITERAL = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_PAGE_FIELDS = ("PAGE", "NUMPAGES", "SECTIONPAGES")


class Runs:
    """What a paragraph says, and what is anchored in it.

    Attributes:
        text: the text, tracked insertions included; deletions, hidden text and the instructions of
            fields left out.
        boxes: text boxes, as elements that hold paragraphs.
        references: `(kind, id)` of footnotes, endnotes, comments, charts and diagrams.
    """

    def __init__(self, paragraph: Element) -> None:
        self.boxes: list[Element] = []
        self.references: list[tuple[str, str]] = []
        self._parts: list[str] = []
        # One entry for each field that is open: whether its result has begun.
        self._fields: list[bool] = []
        self._instruction = ""
        self._inline(paragraph)
        self.text = "".join(self._parts)

    def _inline(self, parent: Element) -> None:
        for element in parent:
            name = local(element)
            if name == "instrText":
                self._instruction += element.text or ""
            elif name in _SKIPPED:
                continue
            elif name == "r":
                if not is_on(find(element, "rPr", "vanish")):
                    self._inline(element)
            elif name == "t":
                if all(self._fields):
                    self._parts.append(element.text or "")
            elif name in _LITERAL and attribute(element, "type") in ("", "textWrapping"):
                self._parts.append(_LITERAL[name])
            elif name == "fldChar":
                self._field(attribute(element, "fldCharType"))
            else:
                self._other(element, name)

    def _other(self, element: Element, name: str) -> None:
        if name == "oMath":
            self._parts.append("".join(t.text or "" for t in descendants(element, "t")))
        elif name == "sym":
            self._parts.append(_symbol(attribute(element, "char")))
        elif name in ("footnoteReference", "endnoteReference", "commentReference"):
            self.references.append((name, attribute(element, "id")))
        elif name in _DRAWINGS:
            self._drawing(element)
        elif name == "AlternateContent":
            choice = find(element, "Choice")
            self._inline(choice if choice is not None else element)
        elif name == "fldSimple":
            if not attribute(element, "instr").strip().startswith(_PAGE_FIELDS):
                self._inline(element)
        elif len(element):
            self._inline(element)

    def _field(self, kind: str) -> None:
        if kind == "begin":
            self._fields.append(False)
            self._instruction = ""
        elif kind == "separate" and self._fields:
            # The number of a page depends on the printer.
            self._fields[-1] = not self._instruction.strip().startswith(_PAGE_FIELDS)
        elif kind == "end" and self._fields:
            self._fields.pop()

    def _drawing(self, element: Element) -> None:
        outer = [
            box
            for box in _visible(element, "txbxContent")
            if not any(local(above) == "txbxContent" for above in _above(box, element))
        ]
        self.boxes += outer
        for name, key in (("chart", "id"), ("relIds", "dm")):
            for reference in _visible(element, name):
                if attribute(reference, key):
                    self.references.append((name, attribute(reference, key)))


def _visible(element: Element, name: str) -> list[Element]:
    """Elements below, without those of a fallback whose better form is there too."""
    return [
        found
        for found in descendants(element, name)
        if not any(local(above) == "Fallback" for above in _above(found, element))
    ]


def _above(element: Element, top: Element) -> list[Element]:
    above = []
    parent = element.getparent()
    while parent is not None and parent is not top:
        above.append(parent)
        parent = parent.getparent()
    return above


def _symbol(code: str) -> str:
    try:
        number = int(code, 16)
    except ValueError:
        return ""
    # Symbol fonts live in the private use area, where a code says nothing without its font.
    return "" if 0xE000 <= number <= 0xF8FF or number > 0x10FFFF else chr(number)
