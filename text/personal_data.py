"""Personal data that has a form: addresses of mail, numbers of phones, cards, accounts and people.

Numbers with a check digit are only reported where it is right, so an order number is not taken for
a bank card. What has no form (a name, a street) can't be found here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from stdnum import iban

# Chinese is written without blanks, so what stands beside a number or an address may be a Han character.
_MAIL = re.compile(
    r"(?<![A-Za-z\d_.+-])(?<![A-Za-z]')(?:[A-Za-z]')?[A-Za-zÀ-ÿ\d_.+-]+@[A-Za-zÀ-ÿ\d-]+(?:\.[A-Za-zÀ-ÿ\d-]+)*\.[A-Za-z]{2,}(?![A-Za-z\d_-])"
)
_CHINESE_ID = re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)")
_SOCIAL_SECURITY = re.compile(
    r"(?<![A-Za-z\d-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])"
)
_CARD = re.compile(
    r"(?<![\d-])(?<!IMEI )(?:3[47]\d\d[ -]?\d{6}[ -]?\d{5}|\d(?:[ -]?\d){12,18})(?![\d-])"
)
_IBAN = re.compile(
    r"(?<![A-Za-z\d])[A-Z]{2}\d{2}(?: ?[A-Z\d]{4}){2,7}(?: ?[A-Z\d]{1,3})?(?![A-Za-z\d])"
)
_PHONE = re.compile(
    r"(?<![A-Za-z\d_.-])(?:"
    r"(?:\+?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}"  # Chinese mobile
    r"|0\d{2,3}[ -]\d{7,8}"  # Chinese landline
    r"|\+\d{1,3}[ -]?(?:\(\d{1,4}\)[ -]?)?\d(?:[ -]?\d){6,11}"  # international
    r"|(?:\(\d{3}\) ?|\d{3}[-.])\d{3}[-.]\d{4}"  # North America
    r")(?![A-Za-z\d_-])"
)

# How many digits a text has at least that holds one of a kind.
_LEAST_DIGITS = {"mail": 0, "id_number": 9, "account": 2, "card": 13, "phone": 8}
_DIGIT = re.compile(r"\d")

# The weights and check characters of GB 11643-1999.
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"


@dataclass(frozen=True, slots=True)
class PersonalDatum:
    """`kind`: mail, phone, card, account, id_number. `value` is normalised: no spaces or dashes."""

    kind: str
    value: str
    start: int
    end: int

    @property
    def identifies(self) -> bool:
        """Is it a number that stands for one person's identity or money?"""
        return self.kind in {"card", "account", "id_number"}


def personal_data(text: str) -> list[PersonalDatum]:
    """All personal data in a text, in order, never overlapping."""
    found: list[PersonalDatum] = []
    digits = len(_DIGIT.findall(text))
    for kind, pattern, valid in _KINDS:
        if digits < _LEAST_DIGITS[kind] or (kind == "mail" and "@" not in text):
            continue
        for match in pattern.finditer(text):
            value = re.sub(r"[\s().-]", "", match.group()) if kind != "mail" else match.group()
            taken = any(f.start < match.end() and match.start() < f.end for f in found)
            if not taken and valid(value):
                found.append(PersonalDatum(kind, value.lower(), match.start(), match.end()))
    return sorted(found, key=lambda datum: datum.start)


def _valid_chinese_id(value: str) -> bool:
    month, day = int(value[10:12]), int(value[12:14])
    total = sum(weight * int(digit) for weight, digit in zip(_ID_WEIGHTS, value))
    dated = 1 <= month <= 12 and 1 <= day <= 31 and value[6:8] in {"18", "19", "20"}
    return dated and _ID_CHECKS[total % 11] == value[17].upper()


def _valid_card(value: str) -> bool:
    """The formula of Luhn; a run of one digit is no card."""
    digits = [int(digit) for digit in reversed(value)]
    total = sum(digits[::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return total % 10 == 0 and len(set(digits)) > 1


def _valid_iban(value: str) -> bool:
    """The check digits, and the length that the country has."""
    return bool(iban.is_valid(value, check_country=False))


def _always(value: str) -> bool:
    return True


_KINDS: tuple[tuple[str, re.Pattern[str], Callable[[str], bool]], ...] = (
    ("mail", _MAIL, _always),
    ("id_number", _CHINESE_ID, _valid_chinese_id),
    ("id_number", _SOCIAL_SECURITY, _always),
    ("account", _IBAN, _valid_iban),
    ("card", _CARD, _valid_card),
    ("phone", _PHONE, _always),
)
