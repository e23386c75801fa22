"""Numbers that states, banks and licensing offices give to people.

Three ways of being sure: a form that hardly anything else has, with its check digit; a check digit and the number's own
name beside it; a word such as "driving licence" or 身份证 right before a number. Check digits are python-stdnum's where
it has them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from stdnum.au import tfn
from stdnum.be import nn
from stdnum.br import cpf
from stdnum.ca import sin
from stdnum.cz import rc
from stdnum.de import idnr
from stdnum.dk import cpr
from stdnum.es import dni, nie
from stdnum.fi import hetu
from stdnum.fr import nir
from stdnum.gb import nhs, utr
from stdnum.ie import pps
from stdnum.in_ import aadhaar
from stdnum.it import codicefiscale
from stdnum.kr import rrn
from stdnum.mx import curp
from stdnum.nl import bsn
from stdnum.no import fodselsnummer
from stdnum.pl import pesel
from stdnum.ro import cnp
from stdnum.se import personnummer
from stdnum.tr import tckimlik
from stdnum.za import idnr as za_idnr

Span = tuple[int, int]
Check = Callable[[str], bool]


class _Sure(NamedTuple):
    """A form of its own, and its check."""

    form: re.Pattern[str]
    holds: Check


class _Named(NamedTuple):
    """Names that such a number goes by, how it is written, and its check."""

    names: re.Pattern[str]
    form: re.Pattern[str]
    holds: Check


def _alone(form: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z\d])(?:{form})(?![A-Za-z\d])", re.IGNORECASE)


def _singapore(value: str) -> bool:
    """NRIC and FIN: seven weighted digits, and a letter by the kind of number."""
    first, digits, last = value[0].upper(), value[1:8], value[8].upper()
    total = sum(int(d) * w for d, w in zip(digits, (2, 7, 6, 5, 4, 3, 2), strict=True))
    total += {"S": 0, "F": 0, "T": 4, "G": 4, "M": 3}[first]
    letters = {"S": "JZIHGFEDCBA", "T": "JZIHGFEDCBA", "M": "XWUTRQPNJLK"}.get(first, "XWUTRQPNMLK")
    place = total % 11
    return letters[10 - place if first == "M" else place] == last


def _hong_kong(value: str) -> bool:
    """One or two letters, six digits, and a check in brackets: weights from nine down, a blank counts 36."""
    letters = re.sub(r"[^A-Z]", "", re.split(r"\d", value.upper())[0]).rjust(2)
    digits = re.findall(r"\d", value)[:6]
    check = value.upper().rstrip(")）")[-1]
    codes = [36 if c == " " else ord(c) - 55 for c in letters] + [int(d) for d in digits]
    total = sum(code * weight for code, weight in zip(codes, range(9, 1, -1), strict=True))
    return (total + (10 if check == "A" else int(check))) % 11 == 0


_TAIWAN_LETTERS = "ABCDEFGHJKLMNPQRSTUVXYWZIO"


def _taiwan(value: str) -> bool:
    """The letter of a county as two digits, then nine digits, weighted 1, 9, 8 … 1, 1."""
    county = _TAIWAN_LETTERS.index(value[0].upper()) + 10
    digits = [county // 10, county % 10, *(int(d) for d in value[1:])]
    weights = (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1)
    return sum(d * w for d, w in zip(digits, weights, strict=True)) % 10 == 0


def _always(_: str) -> bool:
    return True


_SURE: tuple[_Sure, ...] = (
    _Sure(_alone(r"[A-Z]{6}\d{2}[A-Z]\d{2}[A-Z]\d{3}[A-Z]"), codicefiscale.is_valid),
    _Sure(_alone(r"\d{8}[- ]?[A-Z]"), dni.is_valid),
    _Sure(_alone(r"[XYZ][- ]?\d{7}[- ]?[A-Z]"), nie.is_valid),
    _Sure(_alone(r"[STFGM]\d{7}[A-Z]"), _singapore),
    _Sure(re.compile(r"(?<![A-Za-z\d])[A-Za-z]{1,2}\d{6} ?[(（][\dAa][)）]"), _hong_kong),
    _Sure(_alone(r"[A-Z][1289]\d{8}"), _taiwan),
    # Macau's check digit is not published; hardly anything else is written so.
    _Sure(re.compile(r"(?<![\dA-Za-z])[157]\d{6} ?[(（]\d[)）]"), _always),
    _Sure(_alone(r"\d{6}[-+A]\d{3}[\dA-Z]"), hetu.is_valid),
    _Sure(_alone(r"[A-Z]{4}\d{6}[HM][A-Z]{5}[A-Z\d]\d"), curp.is_valid),
    _Sure(_alone(r"\d{6}-[1-8]\d{6}"), rrn.is_valid),
    _Sure(_alone(r"\d{3}\.\d{3}\.\d{3}-\d{2}"), cpf.is_valid),
    # A British driving licence: the surname, the date of birth with month and year apart, initials.
    _Sure(_alone(r"[A-Z]{2}[A-Z9]{3} ?\d[0156]\d[0-3]\d{2} ?[A-Z9]{2}\d ?[A-Z]{2}"), _always),
)

_DIGITS = r"\d(?:[ .-]?\d){7,14}"
_NAMED: tuple[_Named, ...] = tuple(
    _Named(re.compile(rf"(?<![A-Za-z])(?:{names})", re.IGNORECASE), _alone(form), holds)
    for names, form, holds in (
        ("nhs", _DIGITS, nhs.is_valid),
        ("utr", r"\d{5} ?\d{5}", utr.is_valid),
        ("pps", r"\d{7}[A-W][A-I]?", pps.is_valid),
        ("tfn|tax file", _DIGITS, tfn.is_valid),
        ("bsn|burgerservice|sofi", _DIGITS, bsn.is_valid),
        ("aadhaar|aadhar|uidai", _DIGITS, aadhaar.is_valid),
        ("pesel", _DIGITS, pesel.is_valid),
        (
            "nir|insee|s[ée]curit[ée] sociale",
            r"[12](?: ?\d){4}(?: ?[\dAB]){2}(?: ?\d){8}",
            nir.is_valid,
        ),
        ("steuer|tax id|idnr|identifikationsnummer", _DIGITS, idnr.is_valid),
        ("cpf", _DIGITS, cpf.is_valid),
        ("personnummer|samordningsnummer", r"\d{6,8}[-+ ]?\d{4}", personnummer.is_valid),
        ("fødselsnummer|fodselsnummer|personnummer", r"\d{6} ?\d{5}", fodselsnummer.is_valid),
        ("cpr", r"\d{6}[- ]?\d{4}", cpr.is_valid),
        ("rijksregister|registre national|national number|niss|insz", _DIGITS, nn.is_valid),
        ("sin\\b|social insurance", _DIGITS, sin.is_valid),
        ("cnp", r"\d{13}", cnp.is_valid),
        ("rodn[ée]|rč", r"\d{6}/?\d{3,4}", rc.is_valid),
        ("kimlik|t\\.?c\\.?", r"\d{11}", tckimlik.is_valid),
        ("south african|rsa id|id number|said", r"\d{13}", za_idnr.is_valid),
    )
)
# How far before a number its own name may stand.
_NEAR = 48

# What is right before the number of a document, and how documents are numbered.
_DOCUMENT = re.compile(
    r"(?:\b(?:driv(?:er|ing)['’]?s? ?licen[cs]e|(?<!business )licen[cs]e(?! plate)|passport|travel document|residence (?:permit|card)|"
    r"work (?:permit|pass)|visa|green card|national id|identity card|id card|photo id|"
    r"insurance number|tax(?:payer)? (?:id|number|code)|rut|run|cédula|cedula|matricule|personalausweis|reisepass)"
    r"|驾驶证|驾照|駕照|駕駛執照|身份证|身分證|身份證|居留证|居留證|统一证号|統一證號|回乡证|回鄉證|台胞证|台胞證|通行证|通行證|"
    r"护照|護照|社保号|社会保障号|签证|簽證|证件号|證件號)"
    r"(?:\s?(?:no|nos|nr|number|num|n°|nº|id|card)\b\.?|号码|號碼|字號|字号|号|號|编号|編號)?[\"'”）)]?\s{0,2}"
    r"(?:is|was|are|[:：=#|,，是为為])?[\s\"'“「(（|]{0,4}$",
    re.IGNORECASE,
)
_DOCUMENT_NUMBER = re.compile(
    r"(?<![A-Za-z\d])(?=(?:[A-Za-z -]{0,6}\d[ -]?){6})(?:[A-Za-z]{1,6}[ -]?)?\d(?:[ -]?[A-Za-z\d]){4,18}(?![A-Za-z\d])"
)
_CHINESE = re.compile(r"\d{17}[\dXx]")
_REACH = 40
_DIGIT = re.compile(r"\d")
_LEAST_DIGITS = 6


_ENGLISH_ID = re.compile(
    r"(?<![A-Za-z\d])(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D](?![A-Za-z\d])",
    re.IGNORECASE,
)
_SPACED_SECURITY = re.compile(
    r"\b(?:ssn|social security(?: number| no\.?)?)\W{1,4}(?P<number>\d{3}[- ]?\d{2}[- ]?\d{4})(?!\d)",
    re.IGNORECASE,
)
# Most texts have nothing like them, which is seen sooner than the whole patterns fail everywhere.
_DIGIT_PAIRS = re.compile(r"\d\d ?\d\d ?\d\d ?[A-Da-d]")
_PASSPORT = re.compile(
    r"(?<![A-Za-z\d])(?:[A-Za-z]{1,2} ?\d{6,8}|\d{9}|(?=(?:[A-Z]*\d){4})[A-Z][A-Z\d]{6,9})(?![A-Za-z\d])"
)
_TRAVELLING_WORDS = ("passport", "travel document", "护照", "護照", "通行证")
_TRAVELLING = re.compile("|".join(_TRAVELLING_WORDS), re.IGNORECASE)


def identity_numbers(text: str) -> Iterator[Span]:
    """Their spans, the surest first; they may overlap."""
    yield from _common(text)
    if len(_DIGIT.findall(text)) < _LEAST_DIGITS:
        return
    for form, holds in _SURE:
        for match in form.finditer(text):
            if holds(match.group()):
                yield match.span()
    for names, form, holds in _NAMED:
        for named in names.finditer(text):
            for match in form.finditer(text, named.end(), named.end() + _NEAR):
                if holds(match.group()):
                    yield match.span()
    for match in _DOCUMENT_NUMBER.finditer(text):
        if _CHINESE.fullmatch(match.group()):
            continue  # has a check digit, and is found where that is right
        if _DOCUMENT.search(text[max(0, match.start() - _REACH) : match.start()]):
            yield match.span()


def _common(text: str) -> Iterator[Span]:
    """British and American numbers, and passports of any country."""
    lowered = text.lower()
    for match in _SPACED_SECURITY.finditer(text) if "ss" in lowered or "social" in lowered else ():
        yield match.span("number")
    if _DIGIT_PAIRS.search(text):
        for match in _ENGLISH_ID.finditer(text):
            yield match.span()
    if any(word in lowered for word in _TRAVELLING_WORDS):
        for match in _PASSPORT.finditer(text):
            around = text[max(0, match.start() - _REACH) : match.end() + _REACH // 2]
            if _TRAVELLING.search(around):
                yield match.span()
