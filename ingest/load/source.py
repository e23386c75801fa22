"""Source code: the text as it is, with a section for each definition at the left margin."""

from __future__ import annotations

import re

from ingest.load.charset import decode_noted
from ingest.load.document import LoadedDocument
from ingest.load.outline import Outline

# A line at the left margin that begins a definition, in the languages people write most. It need
# not be right for each: a section more or less only decides where chunks end.
_DEFINITION = re.compile(
    r"(?:export\s+|default\s+|public\s+|private\s+|internal\s+|protected\s+|static\s+|final\s+|"
    r"abstract\s+|async\s+|pub(?:\([a-z]+\))?\s+|unsafe\s+|sealed\s+|open\s+|data\s+|case\s+|"
    r"inline\s+|local\s+)*"
    r"(?:(?:def|class|function\*?|fn|func|interface|trait|struct|enum|impl|module|object|"
    r"namespace|type|protocol|extension|sub|proc)\s+"
    r"(?:\([^)]*\)\s*)?([\w$:.<>]+)"
    r"|create\s+(?:or\s+replace\s+)?(?:table|view|function|procedure|trigger)\s+"
    r"(?:if\s+not\s+exists\s+)?([\w.\"`\[\]]+)"
    r"|(?:[A-Za-z_][\w<>\[\],:*&]*\s+[*&]?)+([A-Za-z_]\w*)\s*\([^;]*$"
    r"|([A-Za-z_][\w-]*)\s*\(\)\s*\{)",
    re.IGNORECASE,
)
_WORDS_BEFORE_PARENTHESES = frozenset(
    "if for while switch return else elif except with assert print raise import from".split()
)
_MAX_LINE = 500


def load_source(content: bytes) -> LoadedDocument:
    """The text of the file; each section's heading is the name of a definition."""
    text, notes = decode_noted(content)
    outline = Outline()
    # What stands right above a definition (its comment, its decorators) belongs to it.
    above: list[str] = []
    for line in re.findall(r"[^\n]*\n|[^\n]+\Z", text):
        if line[:1] in "#/@*-[" and not line.isspace():
            above.append(line)
            continue
        name = _defined(line)
        if name:
            outline.heading(1, name, "", title=False)
        for earlier in [*above, line]:
            outline.line(earlier)
        above.clear()
    for line in above:
        outline.line(line)
    return outline.build(notes)


def _defined(line: str) -> str:
    if len(line) > _MAX_LINE or line[:1].isspace():
        return ""
    found = _DEFINITION.match(line)
    if not found or line.split(maxsplit=1)[0].lower() in _WORDS_BEFORE_PARENTHESES:
        return ""
    return next(name for name in found.groups() if name).rstrip(":<")
