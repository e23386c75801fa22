"""Numbers of bank accounts without a check digit: told by the words before them."""

from __future__ import annotations

import re
from collections.abc import Iterator

Span = tuple[int, int]

_NUMBER = r"(?<![A-Za-z])(?P<number>\d(?:[ -]?\d){6,22})(?![A-Za-z\d]|[.,]\d)"
_WORDS = (
    r"(?:\b(?:acct|acc|a/c|account|konto|compte|cuenta|conto|bank|hsbc)\b\.?(?:\s?(?:no|nr|number|num|n°|nº|#)\.?)?"
    r"|账号|帳號|账户|帐号|帐户|帳戶|户口|戶口)"
)
# Between word and number stand a few words at most, and no other number.
_AFTER_WORD = re.compile(rf"{_WORDS}[^\d\n]{{0,16}}{_NUMBER}", re.IGNORECASE)
_AFTER_SORT_CODE = re.compile(
    rf"\bsort\b[^\d\n]{{0,12}}\d\d-?\d\d-?\d\d\b[^\d\n]{{0,16}}{_NUMBER}", re.IGNORECASE
)
_AFTER_ROUTING = re.compile(
    rf"\brouting\b[^\d\n]{{0,12}}\d{{9}}\b[^\d\n]{{0,16}}{_NUMBER}", re.IGNORECASE
)
_AFTER_BANK = re.compile(
    r"(?:支行|分行|银行|銀行|信托|信託|工行|建行|农行|中行|招行|交行|邮储)(?:\s?[(（]\d{3}[)）])?[^\d\n]{0,6}"
    r"(?P<number>\d(?:[ -]?\d){9,22})(?![A-Za-z\d])"
)
_PATTERNS = (
    (_AFTER_SORT_CODE, ("sort",)),
    (_AFTER_ROUTING, ("routing",)),
    (
        _AFTER_WORD,
        (
            "acc",
            "a/c",
            "konto",
            "compte",
            "cuenta",
            "conto",
            "bank",
            "hsbc",
            "号",
            "號",
            "户",
            "戶",
            "入",
        ),
    ),
    (_AFTER_BANK, ("行", "信")),
)


def account_numbers(text: str) -> Iterator[Span]:
    """Their spans; they may overlap."""
    lowered = text.lower()
    for pattern, words in _PATTERNS:
        if any(map(lowered.__contains__, words)):
            for match in pattern.finditer(text):
                yield match.span("number")
