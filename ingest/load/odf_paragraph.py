"""The text of one OpenDocument paragraph (ODF 1.3 part 3, sections 6 and 7)."""

from __future__ import annotations

from ingest.load.package import Element, attribute, local

_ANCHORED = frozenset(
    "note annotation frame custom-shape g rect ellipse polygon path text-box".split()
)
_SKIPPED = frozenset(
    "page-number page-count ruby-text tracked-changes soft-page-break annotation-end "
    "desc title hidden-text forms".split()
)
_MAX_SPACES = 1000


def inline(paragraph: Element) -> tuple[str, list[Element]]:
    """The text, and what is anchored in it: footnotes, comments, text boxes.

    White space counts as HTML's does: what the file writes as runs of it is one space (6.1.2).
    """
    parts: list[str] = []
    anchored: list[Element] = []
    _collect(paragraph, parts, anchored)
    return "".join(parts), anchored


def _collect(element: Element, parts: list[str], anchored: list[Element]) -> None:
    _add(element.text, parts)
    for child in element:
        name = local(child)
        if name in _ANCHORED:
            anchored.append(child)
        elif name == "s":
            count = attribute(child, "c")
            parts.append(" " * (min(int(count), _MAX_SPACES) if count.isdigit() else 1))
        elif name == "tab":
            parts.append("\t")
        elif name == "line-break":
            parts.append("\n")
        elif name not in _SKIPPED:
            _collect(child, parts, anchored)
        _add(child.tail, parts)


def _add(text: str | None, parts: list[str]) -> None:
    if text:
        squeezed = " ".join(text.split())
        before = " " if text[0].isspace() else ""
        after = " " if squeezed and text[-1].isspace() else ""
        parts.append(f"{before}{squeezed}{after}")
