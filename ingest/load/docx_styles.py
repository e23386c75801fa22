"""Which paragraphs of a Word document are headings (ECMA-376 part 1, section 17.7)."""

from __future__ import annotations

import re

from ingest.load.package import Element, attribute, children, find

_HEADING = re.compile(r"(?:heading|标题|überschrift|titre|título)\s*(\d)", re.IGNORECASE)
_TITLES = frozenset({"title", "标题"})
_MAX_CHAIN = 20


class Style:
    """What a paragraph's style, with the styles that it is based on, says of it."""

    def __init__(self, names: tuple[str, ...], properties: tuple[Element, ...]) -> None:
        self._names = names
        self._properties = properties

    def heading_level(self, paragraph: Element) -> int | None:
        """0 for the title, 1 to 9 for headings, None for text."""
        own = find(paragraph, "pPr")
        for properties in ((own,) if own is not None else ()) + self._properties:
            level = attribute(find(properties, "outlineLvl"), "val")
            if level.isdigit():
                return int(level) + 1 if int(level) < 9 else None
        for name in self._names:
            if name.lower() in _TITLES:
                return 0
            match = _HEADING.match(name)
            if match:
                return int(match.group(1))
        return None

    def numbering(self) -> Element | None:
        """The list that the style puts its paragraphs in."""
        lists = (find(properties, "numPr") for properties in self._properties)
        return next((found for found in lists if found is not None), None)


class Styles:
    """The styles of a document by their id."""

    def __init__(self, root: Element | None) -> None:
        self._elements = {attribute(s, "styleId"): s for s in children(root, "style")}
        self._known: dict[str, Style] = {}

    def of(self, paragraph: Element) -> Style:
        identifier = attribute(find(paragraph, "pPr", "pStyle"), "val")
        if identifier not in self._known:
            self._known[identifier] = self._resolve(identifier)
        return self._known[identifier]

    def _resolve(self, identifier: str) -> Style:
        # A style that the document does not define may still be one that Word has by itself.
        names = [] if identifier in self._elements else [identifier]
        properties: list[Element] = []
        for _ in range(_MAX_CHAIN):
            element = self._elements.get(identifier)
            if element is None:
                break
            names.append(attribute(find(element, "name"), "val"))
            own = find(element, "pPr")
            if own is not None:
                properties.append(own)
            identifier = attribute(find(element, "basedOn"), "val")
        return Style(tuple(names), tuple(properties))


def is_on(element: Element | None) -> bool:
    """Whether a switch such as `w:vanish` is there and not turned off."""
    return element is not None and attribute(element, "val") not in ("0", "false", "off")
