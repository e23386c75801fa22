"""Lines that come again on most pages of a PDF: running heads, footers, page numbers."""

from __future__ import annotations

import re
from collections import Counter
from itertools import product

_NUMBER = re.compile(r"\d+")
_EDGE = 2
_MIN_PAGES = 4
_MIN_SHARE = 0.6
_MAX_LENGTH = 120
_MAX_NUMBERS = 3


def without_running_heads(pages: list[list[str]]) -> list[list[str]]:
    """The pages, with each running head left on the first page that has it only.

    A line is one if it stands among the first or last two lines of most pages, word for word or with
    numbers that go up by one from page to page. Pages that have nothing else keep all their lines.
    """
    edges = [_edge_lines(lines) for lines in pages]
    filled = sum(bool(lines) for lines in edges)
    if filled < _MIN_PAGES:
        return pages
    counts: Counter[str] = Counter()
    for number, places in enumerate(edges):
        counts.update({key for at in places for key in _keys(pages[number][at], number)})
    running = {key for key, count in counts.items() if count >= _MIN_SHARE * filled}
    seen: set[str] = set()
    kept = []
    for number, lines in enumerate(pages):
        drop = set()
        for at in edges[number]:
            keys = running.intersection(_keys(lines[at], number))
            if keys & seen or keys and not any(c.isalpha() for c in lines[at]):
                drop.add(at)
            seen |= keys
        rest = [line for at, line in enumerate(lines) if at not in drop]
        kept.append(rest if any(line.strip() for line in rest) else lines)
    return kept


def _edge_lines(lines: list[str]) -> list[int]:
    filled = [at for at, line in enumerate(lines) if line.strip()]
    return sorted({*filled[:_EDGE], *filled[-_EDGE:]})


def _keys(line: str, page: int) -> list[str]:
    """Forms of a line in which each number stands for itself, or for its distance to the page."""
    line = " ".join(line.split())
    numbers = _NUMBER.findall(line)
    if len(line) > _MAX_LENGTH or len(numbers) > _MAX_NUMBERS:
        return [line]
    parts = _NUMBER.split(line)
    forms = []
    for choice in product((False, True), repeat=len(numbers)):
        written = [f"#{int(n) - page}" if moves else n for n, moves in zip(numbers, choice)]
        forms.append("".join(a + b for a, b in zip(parts, [*written, ""])))
    return forms
