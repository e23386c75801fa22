"""Plain text and Markdown. Lines stay as they are, except for tables and the targets of links."""

from __future__ import annotations

import re

from ingest.load.charset import decode_noted
from ingest.load.document import LoadedDocument, Section, table_blocks
from ingest.load.outline import Outline
from text.tables import cells_of

_COLOUR = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][0-9A-B])")
_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.+?)[ \t]*#*\s*$")
_FENCE = re.compile(r"^\s{0,12}(`{3,}|~{3,})")
_UNDERLINE = re.compile(r"^ {0,3}(=+|-+)\s*$")
_RULE = re.compile(r"^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$")
_NO_PARAGRAPH = re.compile(r"^\s*(?:[-*+>|]|\d+[.)]\s|#|$)")
_FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n(.*?\n)?(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_TITLE = re.compile(r"^title[ \t]*:[ \t]*(.+?)[ \t]*\r?$", re.MULTILINE | re.IGNORECASE)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_CODE = re.compile(r"(`+)(?:(?!`).)+?\1(?!`)")
_LINK = re.compile(
    r"!?\[((?:[^\[\]\\]|\\.){0,500})\]\((?:<[^<>\n]*>|[^()\s]*(?:\([^()\s]*\)[^()\s]*)*)"
    r"(?:\s+(?:\"[^\"\n]*\"|'[^'\n]*'))?\s*\)"
)
_REFERENCE = re.compile(r"(?<!\[)\[([^\[\]]{1,300})\]\[[^\[\]]{0,100}\]")
_AUTOLINK = re.compile(r"<((?:https?|mailto|ftp):[^<>\s]+)>")
_TAG = re.compile(
    r"</?(?:div|p|br|img|span|a|details|summary|center|sub|sup|b|i|u|em|strong|kbd|font|small|"
    r"table|thead|tbody|tr|td|th|ul|ol|li|h[1-6]|hr|picture|source|video|audio)\b[^<>]*>",
    re.IGNORECASE,
)
# Longer lines are data: looking for links in them would take long and find none.
_MAX_LINE = 20_000


def load_text(content: bytes) -> LoadedDocument:
    """A text file as one section. What coloured a terminal is left out."""
    text, notes = decode_noted(content)
    text = _COLOUR.sub("", text) if "\x1b" in text else text
    return LoadedDocument(text, "", (Section(0, len(text)),) if text.strip() else (), notes)


def load_markdown(content: bytes) -> LoadedDocument:
    """Markdown, with a section for each heading. What stands in code fences is code.

    Tables are written without padding, and links as their text.
    """
    text, notes = decode_noted(content)
    front = _FRONT_MATTER.match(text)
    title = _TITLE.search(front.group(1) or "") if front else None
    outline = Outline(title.group(1).strip("\"' ") if title else "")
    if front:
        outline.skip(front.group())
        text = text[front.end() :]
    _read(_lines(text), outline)
    return outline.build(notes)


def _lines(text: str) -> list[str]:
    return re.findall(r"[^\n]*\n|[^\n]+\Z", text)


def _read(lines: list[str], outline: Outline) -> None:
    number, fence, comment = 0, "", False
    while number < len(lines):
        line = lines[number]
        following = lines[number + 1] if number + 1 < len(lines) else ""
        mark = _FENCE.match(line)
        if fence or mark:
            fence = _after(fence, mark, line)
            outline.line(line)
        elif comment or "<!--" in line:
            line, comment = _uncommented(line, comment)
            outline.line(_inline(line))
        elif found := _HEADING.match(line):
            outline.heading(len(found.group(1)), _inline(found.group(2)), line)
        elif (under := _UNDERLINE.match(following)) and not _NO_PARAGRAPH.match(line):
            outline.heading(1 if under.group(1)[0] == "=" else 2, _inline(line), line + following)
            number += 1
        elif "|" in line and "|" in following and _RULE.match(following):
            number = _table(lines, number, outline)
            continue
        else:
            outline.line(_inline(line))
        number += 1


def _after(fence: str, mark: re.Match[str] | None, line: str) -> str:
    """The fence that is open after this line."""
    if not fence:
        assert mark
        return mark.group(1)
    closes = mark and mark.group(1).startswith(fence) and not line.strip().strip(fence[0])
    return "" if closes else fence


def _uncommented(line: str, inside: bool) -> tuple[str, bool]:
    if inside:
        _, end, rest = line.partition("-->")
        if not end:
            return "\n", True
        line = rest
    line = _COMMENT.sub("", line)
    before, start, _ = line.partition("<!--")
    return (before + "\n", True) if start else (line, False)


def _table(lines: list[str], start: int, outline: Outline) -> int:
    """Write a table, its cells without links; where it ends."""
    rows = [_cells(lines[start])]
    number = start + 2
    while number < len(lines) and "|" in lines[number]:
        rows.append(_cells(lines[number]))
        number += 1
    for block in table_blocks(rows):
        outline.line(block + "\n\n")
    return number


def _cells(line: str) -> list[str]:
    return [_inline(cell).strip() for cell in cells_of(line)]


def _inline(line: str) -> str:
    """A line with links as their text, and without tags; code stays as it is."""
    if len(line) > _MAX_LINE or not ("[" in line or "<" in line):
        return line
    parts, start = [], 0
    for code in _CODE.finditer(line):
        parts += [_unlinked(line[start : code.start()]), code.group()]
        start = code.end()
    return "".join([*parts, _unlinked(line[start:])])


def _unlinked(text: str) -> str:
    # Twice: a link may hold an image, as badges do.
    text = _LINK.sub(r"\1", _LINK.sub(r"\1", text))
    text = _AUTOLINK.sub(r"\1", _REFERENCE.sub(r"\1", text))
    return _TAG.sub(" ", text)
