"""XML of any kind: its text in order, with the names of elements as labels of fields.

The parser loads nothing from outside and expands no entity that the document defines itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from contract.errors import DocumentUnreadable
from ingest.load.charset import decode_noted
from ingest.load.document import DocumentBuilder, LoadedDocument
from ingest.load.html import declared_charset, read_html
from ingest.load.safe_xml import xml_parser

_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>")
_DOCTYPE = re.compile(r"<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>", re.DOTALL | re.IGNORECASE)
_ENTITY = re.compile(
    r"<!ENTITY\s+(%?)\s*([\w.-]+)\s+(SYSTEM|PUBLIC)?\s*(?:\"([^\"]*)\"|'([^']*)')?"
)
_REFERENCE = re.compile(r"&([A-Za-z_][\w.-]*);")
_BUILT_IN = frozenset(("amp", "lt", "gt", "quot", "apos"))
_TITLES = frozenset(("title", "name", "head", "标题", "名称"))
_PARAGRAPHS = frozenset("p para simpara li listitem item-text td entry title head".split())
_BLOCKS = frozenset("p para simpara section sect1 sect2 sect3 chapter".split())
# Attributes that are for machines: identifiers, looks, addresses.
_WORDS = re.compile(r"[^\W\d_]{2,}.*\s.*[^\W\d_]{2,}|[\u3400-\u9fff]{2,}", re.DOTALL)
_NAMED = frozenset("title name label alt caption description summary author text value".split())
_MARKUP = re.compile(
    r"<(?:p|br|div|a|b|i|ul|li|img|h\d|strong|em|table|span)\b[^<]*>", re.IGNORECASE
)
_MAX_DEPTH = 60


def load_xml(content: bytes) -> LoadedDocument:
    """Any XML document; feeds, books and exports of records read well, the rest reads at least.

    Raises:
        DocumentUnreadable: it is not well-formed, or uses entities that it may not.
    """
    text, notes = decode_noted(content, declared_charset(content))
    builder = DocumentBuilder()
    root = _parse(text, builder)
    _add(root, builder, 1)
    for note in notes:
        builder.note(note)
    return builder.build()


def _parse(text: str, builder: DocumentBuilder) -> etree._Element:
    text = _DECLARATION.sub("", text, count=1)
    text = _without_entities(text)
    parser = xml_parser()
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError as error:
        raise DocumentUnreadable(f"It is not XML: {error.msg}.") from error
    if root is None:
        raise DocumentUnreadable("It is not XML: it holds no element.")
    errors = [entry for entry in parser.error_log if entry.level >= etree.ErrorLevels.ERROR]
    if errors:
        builder.note(
            f"It is not well-formed (line {errors[0].line}); what could be made out was read."
        )
    return root


def _without_entities(text: str) -> str:
    """Drop the document type, and write out the entities in it that are plain words."""
    doctype = _DOCTYPE.search(text, 0, 65_536)
    if not doctype:
        return text
    known: dict[str, str] = {}
    for parameter, name, outside, double, single in _ENTITY.findall(doctype.group()):
        value = double or single
        if not parameter and not outside and "&" not in value and "%" not in value:
            known[name] = value[:1000]

    def written(match: re.Match[str]) -> str:
        name = str(match.group(1))
        if name in _BUILT_IN:
            return str(match.group())
        return known.get(name, "")

    text = text[: doctype.start()] + text[doctype.end() :]
    if len(known) and sum(len(v) for v in known.values()) * text.count("&") > 50_000_000:
        raise DocumentUnreadable("Its entities would grow without bound; it may be an attack.")
    return _REFERENCE.sub(written, text)


def _add(element: etree._Element, builder: DocumentBuilder, level: int) -> None:
    """Walk with a stack of its own: documents may be nested deeper than Python can call."""
    stack: list[tuple[etree._Element, int]] = [(element, level)]
    while stack:
        node, depth = stack.pop()
        if isinstance(node, _Tail):
            builder.block(_clean(node.text))
            continue
        children = [child for child in node if isinstance(child.tag, str)]
        name = _name(node)
        _attributes(node, builder)
        if not children or _is_flowing(node, children):
            _leaf(node, name, builder, depth)
            continue
        if all(_is_leaf(child) for child in children) and depth > 1:
            _record(node, children, name, builder, depth)
            continue
        title = next((c for c in children if _name(c).lower() in _TITLES and _is_leaf(c)), None)
        if title is not None and _clean(title.text or ""):
            builder.heading(min(depth, 6), title.text or "")
            children.remove(title)
        builder.block(_clean(node.text or ""))
        following: list[tuple[etree._Element, int]] = []
        for child in children:
            following.append((child, min(depth + 1, _MAX_DEPTH)))
            if child.tail and child.tail.strip():
                following.append((_Tail(child.tail), depth))
        stack.extend(reversed(following))


class _Tail:
    """Text that stands between elements."""

    def __init__(self, text: str) -> None:
        self.text = text


def _leaf(node: etree._Element, name: str, builder: DocumentBuilder, depth: int) -> None:
    text = "".join(node.itertext())
    if _MARKUP.search(text):
        # Feeds carry their articles as HTML inside a text.
        part = DocumentBuilder("-")
        read_html(text, part)
        builder.block(part.build().text)
        return
    text = _clean(text)
    if not text:
        return
    if name.lower() in _TITLES and depth <= 3:
        builder.heading(depth, text)
        if not builder.title:
            builder.title = text
        return
    builder.block(text if name.lower() in _PARAGRAPHS else f"{_label(name)}: {text}")


def _record(
    node: etree._Element,
    children: list[etree._Element],
    name: str,
    builder: DocumentBuilder,
    depth: int,
) -> None:
    """An element whose fields are all leaves: one block, unless a field is long."""
    texts = [(_name(child), "".join(child.itertext())) for child in children]
    if any(len(text) > 300 or _MARKUP.search(text) for _, text in texts) or all(
        field.lower() in _PARAGRAPHS for field, _ in texts
    ):
        title = next((text for field, text in texts if field.lower() in _TITLES), "")
        if title:
            builder.heading(min(depth, 6), title)
        for child in children:
            if not (title and _name(child).lower() in _TITLES):
                _attributes(child, builder)
                _leaf(child, _name(child), builder, 9)
        return
    pairs = [*_shown(node)]
    for child, (field, text) in zip(children, texts):
        value = _clean(text)
        extra = ", ".join(f"{key} {value}" for key, value in _attribute_pairs(child))
        if value or extra:
            pairs.append(
                f"{_label(field)}: "
                + " ".join(p for p in (value, f"({extra})" if extra else "") if p)
            )
    builder.block("; ".join(pairs))


def _shown(node: etree._Element) -> Iterator[str]:
    text = _clean(node.text or "")
    if text:
        yield text


def _attributes(node: etree._Element, builder: DocumentBuilder) -> None:
    pairs = [f"{_label(key)}: {value}" for key, value in _attribute_pairs(node)]
    builder.block("; ".join(pairs))


def _attribute_pairs(node: etree._Element) -> Iterator[tuple[str, str]]:
    """Attributes that people would read: named like a text, or made of words."""
    for key, value in node.attrib.items():
        name = etree.QName(key).localname if key.startswith("{") else key
        text = _clean(str(value))
        if text and (name.lower() in _NAMED or _WORDS.search(text)) and not text.startswith("http"):
            if name.lower() not in ("style", "class", "d", "points", "transform", "schemalocation"):
                yield name, text


def _is_leaf(node: etree._Element) -> bool:
    children = [child for child in node if isinstance(child.tag, str)]
    return not children or _is_flowing(node, children)


def _is_flowing(node: etree._Element, children: list[etree._Element]) -> bool:
    """Whether elements stand within words, as emphasis does."""
    if _name(node).lower() not in _BLOCKS and not (node.text or "").strip():
        if not any((child.tail or "").strip() for child in children):
            return False
    return all(len(child) == 0 and _name(child).lower() not in _BLOCKS for child in children)


def _name(node: etree._Element) -> str:
    return str(etree.QName(node.tag).localname)


def _label(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ").replace("-", " ").strip()


def _clean(text: str) -> str:
    return " ".join(text.split())
