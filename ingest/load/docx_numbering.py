"""The labels of numbered paragraphs, which Word counts when it shows them (ECMA-376, 17.9)."""

from __future__ import annotations

import re
from collections import defaultdict

from ingest.load.docx_styles import Styles
from ingest.load.package import Element, attribute, children, find

_PLACE = re.compile(r"%([1-9])")
_HAN_DIGITS = "零一二三四五六七八九"
_HAN_FORMATS = frozenset(
    "chineseCounting chineseCountingThousand ideographTraditional taiwaneseCounting "
    "taiwaneseCountingThousand japaneseCounting ideographDigital taiwaneseDigital".split()
)
_ROMAN = tuple(zip((100, 90, 50, 40, 10, 9, 5, 4, 1), "c xc l xl x ix v iv i".split()))


class Numbering:
    """Counts list items in the order in which they are asked for."""

    def __init__(self, root: Element | None, styles: Styles) -> None:
        self._styles = styles
        self._abstract = {attribute(a, "abstractNumId"): a for a in children(root, "abstractNum")}
        self._numbers = {attribute(n, "numId"): n for n in children(root, "num")}
        self._counts: dict[str, dict[int, int]] = defaultdict(dict)
        self._levels: dict[tuple[str, int], Element | None] = {}

    def label(self, paragraph: Element) -> str:
        """`3.2`, `第三条`, `(b)`, `-` for a bullet; nothing for a paragraph outside lists."""
        listed = find(paragraph, "pPr", "numPr")
        inherited = self._styles.of(paragraph).numbering()
        number = attribute(find(listed, "numId"), "val") or attribute(
            find(inherited, "numId"), "val"
        )
        depth_text = attribute(find(listed, "ilvl"), "val") or attribute(
            find(inherited, "ilvl"), "val"
        )
        depth = min(int(depth_text), 8) if depth_text.isdigit() else 0
        level = self._level(number, depth)
        if number in ("", "0") or level is None:
            return ""
        if _value(level, "numFmt") == "bullet":
            return "-"
        return self._count(number, depth, level)

    def _count(self, number: str, depth: int, level: Element) -> str:
        counts = self._counts[self._abstract_id(number)]
        counts[depth] = counts.get(depth, _start(level) - 1) + 1
        for deeper in [key for key in counts if key > depth]:
            del counts[deeper]

        def place(match: re.Match[str]) -> str:
            index = int(match.group(1)) - 1
            above = self._level(number, index)
            value = counts.get(index, _start(above))
            return _written(value, "decimal" if above is None else _value(above, "numFmt"))

        return _PLACE.sub(place, _value(level, "lvlText")).strip()

    def _abstract_id(self, number: str) -> str:
        return attribute(find(self._numbers.get(number), "abstractNumId"), "val") or number

    def _level(self, number: str, depth: int) -> Element | None:
        key = (number, depth)
        if key not in self._levels:
            self._levels[key] = self._find_level(number, depth)
        return self._levels[key]

    def _find_level(self, number: str, depth: int) -> Element | None:
        entry = self._numbers.get(number)
        for override in children(entry, "lvlOverride"):
            if attribute(override, "ilvl") == str(depth):
                level = find(override, "lvl")
                if level is not None:
                    return level
        abstract = self._abstract.get(self._abstract_id(number))
        for level in children(abstract, "lvl"):
            if attribute(level, "ilvl") == str(depth):
                return level
        return None


def _value(level: Element, name: str) -> str:
    return attribute(find(level, name), "val")


def _start(level: Element | None) -> int:
    start = "" if level is None else _value(level, "start")
    return int(start) if start.isdigit() else 1


def _written(value: int, form: str) -> str:
    if form == "none":
        return ""
    if form in _HAN_FORMATS and 0 < value < 100:
        return _han(value)
    if form in ("lowerLetter", "upperLetter") and value > 0:
        letter = chr(ord("a") + (value - 1) % 26) * ((value - 1) // 26 + 1)
        return letter if form == "lowerLetter" else letter.upper()
    if form in ("lowerRoman", "upperRoman") and 0 < value < 400:
        return _roman(value) if form == "lowerRoman" else _roman(value).upper()
    if form == "decimalZero":
        return f"{value:02}"
    return str(value)


def _han(value: int) -> str:
    tens, ones = divmod(value, 10)
    head = "" if tens == 0 else ("十" if tens == 1 else _HAN_DIGITS[tens] + "十")
    return head + (_HAN_DIGITS[ones] if ones else "")


def _roman(value: int) -> str:
    written = ""
    for size, letters in _ROMAN:
        count, value = divmod(value, size)
        written += letters * count
    return written
