"""Numbers in digits, however they were written, in both languages."""

from __future__ import annotations

import re
from collections.abc import Sequence

BELOW_TWENTY = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_VALUES = {word: number for number, word in enumerate(BELOW_TWENTY)} | {
    word: 10 * number for number, word in enumerate(_TENS, 2)
}
_POWERS = {"hundred": 100, "thousand": 1000, "million": 1_000_000}
_NUMBER_WORDS = frozenset(_VALUES) | frozenset(_POWERS)
_HAN_DIGITS = {character: number for number, character in enumerate("零一二三四五六七八九")}
_HAN_DIGITS.update({"〇": 0, "两": 2})
_HAN_POWERS = {"十": 10, "百": 100, "千": 1000, "万": 10_000, "亿": 100_000_000}
_HAN_NUMERAL = re.compile("[零〇一二两三四五六七八九十百千万亿]")
_HAN_NUMBER = re.compile(r"(?:\d+(?:\.\d+)?)?[零〇一二两三四五六七八九十百千万亿]+(?:\d(?!\d))?")


def chinese_in_digits(text: str) -> str:
    """A text with its Chinese numbers in digits, also as people say them: 两万三, 1万8."""
    # Most texts have none, which is seen sooner than the whole pattern fails everywhere.
    return _HAN_NUMBER.sub(_in_digits, text) if _HAN_NUMERAL.search(text) else text


def _in_digits(match: re.Match[str]) -> str:
    written = match.group()
    if not any(character in _HAN_POWERS for character in written):
        return f" {''.join(str(_HAN_DIGITS.get(c, c)) for c in written)} "
    total = part = 0.0
    digit: float | None = None
    last = 1
    for piece in re.findall(r"\d+(?:\.\d+)?|.", written):
        power = _HAN_POWERS.get(piece)
        if power is None:
            digit = float(_HAN_DIGITS.get(piece, piece))
            last = 1 if digit == 0 else last
        elif power < 10_000:
            part += (1 if digit is None else digit) * power
            digit, last = None, power
        else:
            total = (total + part + (digit or 0)) * power
            part, digit, last = 0.0, None, power
    if digit is not None:
        # 两万三 is 23,000; 二十三 is 23.
        part += digit * (last // 10 if last >= 100 else 1)
    return f" {total + part:.10g} "


def english_in_digits(tokens: Sequence[str]) -> list[str]:
    """With numbers in digits, however they were written: "one hundred and twenty", "20 thousand"."""
    if _NUMBER_WORDS.isdisjoint(tokens):
        return list(tokens)
    found: list[str] = []
    number: list[str] = []
    for token, following in zip(tokens, [*tokens[1:], ""]):
        starts = token in _VALUES or (token.isdigit() and following in _POWERS)
        goes_on = number and (
            token in _VALUES or token in _POWERS or (token == "and" and following in _VALUES)
        )
        if goes_on or starts:
            number.append(token)
            continue
        found += _values(number)
        number = []
        found.append(token)
    return [*found, *_values(number)]


def _values(words: Sequence[str]) -> list[str]:
    """The numbers in a run of number words."""
    found: list[str] = []
    total = part = 0
    begun = False
    for word in words:
        if word in _POWERS:
            power = _POWERS[word]
            total, part = (
                (total, (part or 1) * power) if power == 100 else (total + part * power, 0)
            )
        elif word != "and":
            value = _VALUES.get(word, int(word) if word.isdigit() else 0)
            free = 10 if part % 10 == 0 and part % 100 >= 20 else 100 if part % 100 == 0 else 0
            if begun and (not part and not total or value >= free or (not part and total % 1000)):
                found.append(str(total + part))
                total = part = 0
            part += value
        begun = True
    return [*found, str(total + part)] if begun else found
