"""reStructuredText: headings by their adornment; directives and roles as readable text."""

from __future__ import annotations

import re

from ingest.load.charset import decode_noted
from ingest.load.document import LoadedDocument
from ingest.load.outline import Outline

_ADORNMENT = re.compile(r"^([=\-`:.'\"~^_*+#<>])\1{1,}\s*$")
_DIRECTIVE = re.compile(r"^(\s*)\.\. (?:\|[^|]+\| )?([\w:+.-]+)::[ \t]?(.*)$")
_FOOTNOTE = re.compile(r"^\.\. \[[^\]\n]+\][ \t]*(.*)$")
_OPTION = re.compile(r"^\s+:[\w-]+:(?:\s.*)?$")
_TARGET = re.compile(r"^\s*\.\. _[^:]+:|^\s*__ ")
_ROLE = re.compile(r":[\w:+.-]+:`([^`<]+?)(?:\s*<[^`>]*>)?`")
_LINK = re.compile(r"`([^`<]+?)\s*<[^`>]*>`__?")
_NAMED = re.compile(r"`([^`\n]+)`__?(?!\w)")
# Directives whose argument is a name of a file or a setting, not words.
_SILENT = frozenset(
    "image figure include toctree contents highlight module currentmodule raw literalinclude "
    "index meta sectnum default-role class role".split()
)


def load_rst(content: bytes) -> LoadedDocument:
    """A document with a section for each heading."""
    text, notes = decode_noted(content)
    outline = Outline()
    lines = [line + "\n" for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    levels: list[str] = []
    number = 0
    while number < len(lines):
        used = _heading(lines, number, levels, outline)
        if not used:
            used = _plain(lines, number, outline)
        number += used
    return outline.build(notes)


def _heading(lines: list[str], number: int, levels: list[str], outline: Outline) -> int:
    """How many lines the heading that begins here has, 0 if none does."""
    line, after = lines[number], lines[number + 1 : number + 3]
    if len(after) == 2 and _ADORNMENT.match(line) and after[1].strip() == line.strip():
        if after[0].strip() and len(after[0].strip()) <= 2 * len(line.strip()):
            text, style, used = after[0], line[0] * 2, 3
            outline.heading(
                _level(levels, style), _readable(text), "".join(lines[number : number + 3])
            )
            return used
    if after and line.strip() and not line[0].isspace() and not _ADORNMENT.match(line):
        mark = _ADORNMENT.match(after[0])
        # Chinese characters are two columns wide: an adornment may be half or twice as long.
        if mark and 2 * len(after[0].strip()) >= len(line.strip()):
            before = lines[number - 1].strip() if number else ""
            if not before or before.startswith(".."):
                outline.heading(_level(levels, mark.group(1)), _readable(line), line + after[0])
                return 2
    return 0


def _level(levels: list[str], style: str) -> int:
    if style not in levels:
        levels.append(style)
    return levels.index(style) + 1


def _plain(lines: list[str], number: int, outline: Outline) -> int:
    line = lines[number]
    if _TARGET.match(line):
        outline.line("\n")
        return 1
    directive = _DIRECTIVE.match(line.rstrip("\n"))
    if directive:
        indent, name, argument = directive.groups()
        used = 1
        while number + used < len(lines) and _OPTION.match(lines[number + used]):
            used += 1
        words = "" if name in _SILENT else argument
        label = "" if name in _SILENT | {"code-block", "code", "sourcecode", "math"} else name
        shown = ": ".join(part for part in (label, words) if part)
        outline.line(f"{indent}{shown}\n")
        return used
    if note := _FOOTNOTE.match(line):
        outline.line(_readable(note.group(1) + "\n"))
        return 1
    if line.startswith(".. ") or line.strip() == "..":
        # A comment: it and what is indented below it are for the author.
        used = 1
        while number + used < len(lines) and lines[number + used].startswith("   "):
            used += 1
        return used
    outline.line(_readable(line))
    return 1


def _readable(line: str) -> str:
    if "`" not in line or len(line) > 20_000 or "``" in line:
        return line
    return _NAMED.sub(r"\1", _LINK.sub(r"\1", _ROLE.sub(r"\1", line)))
