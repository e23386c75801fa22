"""`[n]` marks in an answer become OpenAI's `url_citation` annotations; invented ones vanish."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from contract.passage import Passage

# [1]  [1, 2]  [1-3]  【1】, with the blanks before them. A number before "(" is a Markdown link, and
# four digits are a year.
_MARK = re.compile(
    r"(?P<blank>[ \t]*)[\[【](?P<numbers>\d{1,3}(?:\s*[,，、–-]\s*\d{1,3})*)[\]】](?!\()"
)
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.DOTALL)
# An answer that begins like this is JSON: numbers in brackets are data there, but for those in strings.
_JSON = re.compile(r'\s*(?:\{\s*["}]|\[\s*[{"\[])')
_STRING = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\Z)', re.DOTALL)
_RANGE = re.compile(r"(\d+)\s*[–-]\s*(\d+)")
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Cited:
    """An answer whose marks all name passages; offsets are code points of `content`."""

    content: str
    annotations: tuple[dict[str, Any], ...]


def cite(text: str, passages: Sequence[Passage]) -> Cited:
    """Rewrite the marks of an answer.

    `[1, 2]` and `【1】` become `[1][2]` and `[1]`. A mark for a passage that does not exist is taken
    out with the blank before it. Code is left alone, and JSON but for its strings.
    """
    known = {passage.number: passage for passage in passages}
    content: list[str] = []
    annotations: list[dict[str, Any]] = []
    length = position = 0
    for mark in _marks(text):
        kept = text[position : mark.start()]
        numbers = [n for n in _numbers(mark["numbers"]) if n in known]
        if numbers:
            kept += mark["blank"]
        content.append(kept)
        length += len(kept)
        for number in numbers:
            shown = f"[{number}]"
            annotations.append(_annotation(known[number], length, length + len(shown)))
            content.append(shown)
            length += len(shown)
        position = mark.end()
    content.append(text[position:])
    return Cited("".join(content), tuple(annotations))


def _marks(text: str) -> list[re.Match[str]]:
    is_json = bool(_JSON.match(text))
    spans = [match.span() for match in (_STRING if is_json else _CODE).finditer(text)]
    return [
        mark
        for mark in _MARK.finditer(text)
        if any(start <= mark.start() < end for start, end in spans) is is_json
    ]


def _numbers(inside: str) -> list[int]:
    spread = _RANGE.sub(
        lambda m: " ".join(str(n) for n in range(int(m[1]), min(int(m[2]), int(m[1]) + 50) + 1)),
        inside,
    )
    return list(dict.fromkeys(int(n) for n in _NUMBER.findall(spread)))


def _annotation(passage: Passage, start: int, end: int) -> dict[str, Any]:
    return {
        "type": "url_citation",
        "url_citation": {
            "start_index": start,
            "end_index": end,
            "url": passage.url,
            "title": passage.title,
        },
    }
