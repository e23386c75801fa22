"""HTML: the main text, with its title and headings, without the page around it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from ingest.load.charset import decode_noted
from ingest.load.document import DocumentBuilder, LoadedDocument

_NOISE = (
    "script, style, noscript, template, nav, footer, aside, iframe, svg, button, dialog, select, "
    "input, textarea, object, embed, canvas, video, audio, [hidden], [aria-hidden=true], "
    "[role=navigation], [role=dialog], [role=alertdialog], [role=banner], [role=contentinfo], "
    "[role=search]"
)
_NOT_HIDDEN = "script, style, template, iframe, svg"
_CONSENT = re.compile(r"cookie|consent|gdpr|onetrust|cc-window", re.IGNORECASE)
_INVISIBLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_MAIN = ("main", "[role=main]", "article")
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_CONTAINERS = frozenset(
    "html body main article section div header ul ol dl figure details fieldset center form nav "
    "footer aside blockquote hgroup address menu tbody thead tfoot tr".split()
)
_LEAVES = frozenset("p li dt dd pre table figcaption summary caption hr td th legend".split())
_DECLARED = re.compile(
    rb"""<meta[^>]+charset\s*=\s*["']?\s*([\w:.-]+)|<\?xml[^>]+encoding\s*=\s*["']([\w:.-]+)""",
    re.IGNORECASE,
)
# A main part with less than this share of the page's text is not where the text is.
_SMALL = 0.2
# Deeper boxes are read as plain text: browsers stop at 512, too.
_MAX_DEPTH = 200
_MAX_NESTING = 500
_NESTING = re.compile(
    r"<(/?)(?:div|span|section|article|b|i|u|em|strong|font|a|table|tbody|tr|td|ul|ol|blockquote|"
    r"center|small|big|sub|sup|form|fieldset|details|dl|code|pre)\b[^<>]*>",
    re.IGNORECASE,
)


def load_html(content: bytes, declared: str = "") -> LoadedDocument:
    """The main part of a page; the title is that of the page, else its first heading.

    `declared` is the encoding that a mail or a server named; the page's own word comes second.
    """
    text, notes = decode_noted(content, declared or declared_charset(content))
    builder = DocumentBuilder()
    read_html(text, builder)
    for note in notes:
        builder.note(note)
    return builder.build()


def declared_charset(content: bytes) -> str:
    """What the page says of its encoding, empty if it does not."""
    found = _DECLARED.search(content, 0, 4096)
    return (found.group(1) or found.group(2)).decode("ascii") if found else ""


def read_html(text: str, builder: DocumentBuilder) -> None:
    """Add the main part of a page to a document."""
    scripts = "<script" in text[:200_000]
    tree = _trimmed(text, _NOISE, headers=True)
    whole = _length(tree.body)
    if not whole:
        # A page whose only text stands in what is taken for decoration still has text.
        tree = _trimmed(text, _NOT_HIDDEN, headers=False)
        whole = _length(tree.body)
    title = tree.css_first("title")
    if title is not None:
        builder.title = builder.title or _clean(title.text())
    roots = (found for name in _MAIN for found in tree.css(name)[:1])
    root = next((found for found in roots if _length(found) >= _SMALL * whole), tree.body)
    if root is not None:
        _Walk(builder).walk(root, 0)
    if scripts and not whole:
        builder.note("There is no text in it: the page is built by a script when it is opened.")


def _trimmed(text: str, noise: str, *, headers: bool) -> LexborHTMLParser:
    tree = LexborHTMLParser(_shallow(text))
    for node in tree.css(noise):
        if node.parent is not None and node.tag not in ("html", "body"):
            node.decompose()
    for node in tree.css("[style]"):
        if _INVISIBLE.search(node.attributes.get("style") or "") and node.tag != "body":
            node.decompose()
    for node in tree.css("div[id], div[class], section[id], section[class]"):
        name = f"{node.attributes.get('id') or ''} {node.attributes.get('class') or ''}"
        if _CONSENT.search(name) and _length(node) < 2000 and node.css_first("main, h1") is None:
            node.decompose()
    for header in tree.css("header") if headers else ():
        if header.css_first("h1, h2") is None:
            header.decompose()
    return tree


def _shallow(text: str) -> str:
    """The page without tags that stand too deep: the parser's time grows with their square."""
    depth = 0

    def kept(match: re.Match[str]) -> str:
        nonlocal depth
        closes = match.group(1) == "/"
        if closes:
            depth = max(0, depth - 1)
        elif not match.group().endswith("/>"):
            depth += 1
        return " " if depth + closes > _MAX_NESTING else match.group()

    return _NESTING.sub(kept, text) if text.count("<") > _MAX_NESTING else text


def _length(node: LexborNode | None) -> int:
    return len(_clean(node.text(deep=True))) if node is not None else 0


class _Walk:
    """Goes through a page in reading order."""

    def __init__(self, builder: DocumentBuilder) -> None:
        self._builder = builder

    def walk(self, parent: LexborNode, depth: int) -> None:
        """Add what a box holds."""
        if depth > _MAX_DEPTH:
            self._builder.block(_clean(_separated(parent)))
            return
        self._nodes(parent.iter(include_text=True), depth)

    def _nodes(self, nodes: Iterator[LexborNode], depth: int) -> None:
        inline: list[str] = []
        for node in nodes:
            tag = node.tag or ""
            if _is_block(node, tag):
                self._flush(inline)
                self._add(node, tag, depth)
            elif tag == "br":
                inline.append("\n")
            elif tag != "-comment":
                inline.append(_inline(node))
        self._flush(inline)

    def _add(self, node: LexborNode, tag: str, depth: int) -> None:
        builder = self._builder
        if tag in _HEADINGS and node.css_first("p, ul, ol, dl, div, table, pre") is not None:
            self._unclosed(node, _HEADINGS[tag], depth)
        elif tag in _HEADINGS:
            builder.heading(_HEADINGS[tag], _inline(node))
        elif tag == "table" and (rows := _cells(node)):
            for caption in node.css("caption")[:1]:
                builder.block(_clean(_inline(caption)))
            builder.table(rows)
        elif tag == "pre":
            builder.block(node.text(deep=True))
        elif tag in _CONTAINERS or tag == "table" or _has_blocks(node):
            self.walk(node, depth + 1)
        else:
            builder.block(_clean(_inline(node)))

    def _unclosed(self, heading: LexborNode, level: int, depth: int) -> None:
        """A heading that nobody ended holds what follows it, too."""
        nodes = list(heading.iter(include_text=True))
        first = next((n for n, node in enumerate(nodes) if _is_block(node, node.tag or "")), 0)
        self._builder.heading(level, "".join(_inline(node) for node in nodes[:first]))
        if depth <= _MAX_DEPTH:
            self._nodes(iter(nodes[first:]), depth + 1)

    def _flush(self, inline: list[str]) -> None:
        self._builder.block(_clean("".join(inline)))
        inline.clear()


def _is_block(node: LexborNode, tag: str) -> bool:
    if tag in _HEADINGS or tag in _CONTAINERS or tag in _LEAVES:
        return True
    # An inline element that wraps blocks, as in <a><div>…</div></a>.
    return not tag.startswith("-") and _has_blocks(node)


def _has_blocks(node: LexborNode) -> bool:
    return node.css_first("p, ul, ol, li, dl, div, table, pre, h1, h2, h3, h4") is not None


def _cells(table: LexborNode) -> list[list[str]]:
    """The rows of a table; none if it only arranges the page."""
    if table.css_first("table table, td h1, td h2, td h3") is not None:
        return []
    rows = list(_rows(table))
    return rows if any(len(row) > 1 for row in rows) or table.css_first("th") else []


def _rows(table: LexborNode) -> Iterator[list[str]]:
    above: dict[int, tuple[int, str]] = {}
    for row in table.css("tr"):
        cells: list[str] = []
        for cell in row.css("th, td"):
            _fill(cells, above)
            text = _clean(_separated(cell))
            down, across = _span(cell, "rowspan"), _span(cell, "colspan")
            for number in range(across):
                if down > 1:
                    above[len(cells)] = (down - 1, text)
                cells.append(text if number == 0 else "")
        _fill(cells, above)
        yield cells


def _fill(cells: list[str], above: dict[int, tuple[int, str]]) -> None:
    while len(cells) in above:
        left, text = above.pop(len(cells))
        if left > 1:
            above[len(cells)] = (left - 1, text)
        cells.append(text)


def _span(cell: LexborNode, name: str) -> int:
    value = cell.attributes.get(name) or ""
    return min(int(value), 100) if value.isascii() and value.isdigit() and int(value) else 1


def _inline(node: LexborNode) -> str:
    if node.tag != "-text" and node.css_first("br") is not None:
        return _separated(node)
    return node.text(deep=True)


def _separated(node: LexborNode) -> str:
    """The text of a node, where a line break is a space."""
    if node.tag == "-text" or node.css_first("br, p, div, li, td") is None:
        return node.text(deep=True)
    return "".join(
        part.text() if part.tag == "-text" else " "
        for part in node.traverse(include_text=True)
        if part.tag in ("-text", "br", "p", "div", "li", "td", "tr")
    )


def _clean(text: str) -> str:
    return " ".join(text.split())
