"""Plain text and Markdown. The text stays as it is, so offsets are those of the file."""

from __future__ import annotations

import re

from ingest.load.charset import decode
from ingest.load.document import LoadedDocument, Section

_HEADING = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*\r?$", re.MULTILINE)
_FENCE = re.compile(r"^(```|~~~).*?^\1[^\n]*$", re.MULTILINE | re.DOTALL)
_FRONT_MATTER = re.compile(r"\A---\r?\n.*?\n---[ \t]*\r?\n", re.DOTALL)


def load_text(content: bytes) -> LoadedDocument:
    """A text file as one section."""
    text = decode(content)
    return LoadedDocument(text, "", (Section(0, len(text)),))


def load_markdown(content: bytes) -> LoadedDocument:
    """Markdown, with a section for each heading. Headings inside code fences are code."""
    text = decode(content)
    fences = [match.span() for match in _FENCE.finditer(text)]
    headings = [
        match
        for match in _HEADING.finditer(text)
        if not any(start <= match.start() < end for start, end in fences)
    ]
    front = _FRONT_MATTER.match(text)
    start, path = (front.end() if front else 0), list[tuple[int, str]]()
    sections: list[Section] = []
    for match in headings:
        sections.append(Section(start, match.start(), _join(path)))
        level = len(match.group(1))
        path = [step for step in path if step[0] < level] + [(level, match.group(2))]
        start = match.end()
    sections.append(Section(start, len(text), _join(path)))
    title = headings[0].group(2) if headings else ""
    return LoadedDocument(text, title, tuple(s for s in sections if text[s.start : s.end].strip()))


def _join(path: list[tuple[int, str]]) -> str:
    return " › ".join(text for _, text in path)
