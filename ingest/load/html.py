"""HTML: the main text, with its title and headings, without the page around it."""

from __future__ import annotations

from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from ingest.load.charset import decode
from ingest.load.document import DocumentBuilder, LoadedDocument

_NOISE = "script, style, noscript, template, nav, footer, aside, form, iframe, svg, button, dialog"
_MAIN = ("main", "[role=main]", "article", "body")
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_CONTAINERS = frozenset(
    "html body main article section div header ul ol dl figure details fieldset center "
    "blockquote hgroup address menu".split()
)


def load_html(content: bytes) -> LoadedDocument:
    """The main part of a page; the title is that of the page, else its first heading."""
    tree = LexborHTMLParser(decode(content))
    title = tree.css_first("title")
    builder = DocumentBuilder(" ".join(title.text().split()) if title else "")
    for node in tree.css(_NOISE):
        node.decompose()
    for header in tree.css("header"):
        if header.css_first("h1, h2") is None:
            header.decompose()
    root = next((found for name in _MAIN if (found := tree.css_first(name))), None)
    if root is not None:
        _walk(root, builder)
    return builder.build()


def _walk(parent: LexborNode, builder: DocumentBuilder) -> None:
    inline: list[str] = []
    for node in parent.iter(include_text=True):
        tag = node.tag or ""
        if _is_block(node, tag):
            _flush(inline, builder)
            _add_block(node, tag, builder)
        else:
            inline.append("\n" if tag == "br" else node.text(deep=True))
    _flush(inline, builder)


def _is_block(node: LexborNode, tag: str) -> bool:
    names = ("p", "li", "dt", "dd", "pre", "table", "figcaption", "summary", "caption", "hr")
    if tag in _HEADINGS or tag in _CONTAINERS or tag in names:
        return True
    # An inline element that wraps blocks, as in <a><div>…</div></a>.
    return (
        tag not in ("-text", "-comment") and node.css_first("p, li, div, table, h2, h3") is not None
    )


def _add_block(node: LexborNode, tag: str, builder: DocumentBuilder) -> None:
    if tag in _HEADINGS:
        builder.heading(_HEADINGS[tag], node.text(deep=True))
    elif tag == "table":
        builder.table(list(_rows(node)))
    elif tag == "pre":
        builder.block(node.text(deep=True))
    elif tag in _CONTAINERS or node.css_first("p, ul, ol, div, table") is not None:
        _walk(node, builder)
    else:
        builder.block(_clean(node.text(deep=True)))


def _rows(table: LexborNode) -> Iterator[list[str]]:
    for row in table.css("tr"):
        yield [_clean(cell.text(deep=True)) for cell in row.css("th, td")]


def _flush(inline: list[str], builder: DocumentBuilder) -> None:
    builder.block(_clean("".join(inline)))
    inline.clear()


def _clean(text: str) -> str:
    return " ".join(text.split())
