"""Where sentences end, in English and Chinese."""

from __future__ import annotations

import re
from itertools import pairwise

Span = tuple[int, int]

# A full stop ends no sentence after these; kept to what documents really use.
_ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof st vs etc e.g i.e eg ie no nos fig figs approx dept inc ltd co corp jr "
    "sr vol pp ed est min max tel ext art sec ch para cf al ca jan feb mar apr jun jul aug sep "
    "sept oct nov dec a.m p.m u.s u.k".split()
)

_CLOSERS = "\"'”’)\\]】》」』）"
_END = re.compile(
    rf"[。！？!?…]+[{_CLOSERS}]*"  # an end in itself
    rf"|\.+[{_CLOSERS}]*(?=\s|$)"  # a full stop, only before a space
    r"|；(?=\n)"
    r"|\n[ \t\r]*(?=\n)"  # a blank line
    r"|\n(?=[ \t]*(?:[-*+•·●▪]|\d{1,3}[.)、]|[（(][一二三四五六七八九十\d]{1,3}[）)]|\||#))"
)
_LAST_WORD = re.compile(r"([A-Za-z][A-Za-z.]*|\d+)$")


def sentence_spans(text: str) -> list[Span]:
    """Spans `(start, end)` of the sentences, in code points, without the white space around them.

    They are in order, never overlap, and together hold every character that is not white space. A
    blank line, a list item and a table row end a sentence as well as a mark does.
    """
    cuts = [0, *(m.end() for m in _END.finditer(text) if _is_end(text, m)), len(text)]
    spans = (_trim(text, start, end) for start, end in pairwise(cuts))
    return [span for span in spans if span[0] < span[1]]


def sentences(text: str) -> list[str]:
    """The sentences as strings."""
    return [text[start:end] for start, end in sentence_spans(text)]


def _is_end(text: str, mark: re.Match[str]) -> bool:
    if not mark.group().startswith("\n") and _in_table_row(text, mark.start()):
        return False
    if not mark.group().startswith(".") or mark.group().startswith(".."):
        return True
    word = _LAST_WORD.search(text, max(0, mark.start() - 20), mark.start())
    if word is None:
        return True
    token = word.group()
    if token.isdigit():
        return not _opens_list_item(text, word.start())
    initial = len(token) == 1 and token.isupper() and token != "I"
    return not initial and token.lower() not in _ABBREVIATIONS


def _in_table_row(text: str, place: int) -> bool:
    """A row of a Markdown table is one sentence, whatever its cells hold."""
    return text.startswith("|", text.rfind("\n", 0, place) + 1)


def _opens_list_item(text: str, start: int) -> bool:
    """Is the number at `start` the number of a list item, as in `3. Ask your manager`?"""
    return not text[text.rfind("\n", 0, start) + 1 : start].strip()


def _trim(text: str, start: int, end: int) -> Span:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
