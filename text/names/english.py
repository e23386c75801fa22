"""English names: after a title, an introduction, a label, a greeting, and in a signature."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

Span = tuple[int, int]

PART = r"(?:(?:Mc|Mac|O['’]|D['’]|Al-|El-)?[A-ZÀ-\u024f\u1e00-\u1eff\u0410-\u042f][a-zß-\u024f\u1e00-\u1eff\u0430-\u045f]+(?:[-'’][A-Za-zÀ-\u024f][a-zß-\u024f]+)*|[A-Z]\.)"
_CAPITALS = r"[A-ZÀ-Þ]{2,}(?:[ \t-]+[A-ZÀ-Þ]{2,}){1,2}"
JOINT = r"(?:van|von|der|den|de|del|della|di|da|dos|du|la|le|bin|bint|ibn|al|el|ter|ten|zu|y)"
NAME = rf"{PART}(?:[ \t]+(?:{JOINT}[ \t]+){{0,2}}{PART}){{0,3}}"
TITLES = r"(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Doctor|Nurse|Sister|Father|Reverend|Rev|Herr|Frau|Señora?|Madame|Monsieur|Mme)"
NO_NAMES = frozenset(
    "Ombudsman Example Site Visa Waybill Valued Pepper Martens Oetker Who Strange Strangelove Watson Moriarty Jekyll Hyde Frankenstein Faustus Zhivago Seuss Dre "
    "Darcy Bovary Dalloway Poppins Doubtfire Kipling Bean Coffee Clean Muscle Potato Robot Right Perfect Sir Madam All Team Everyone "
    "Everybody Customer Colleagues Colleague Support Folks There Hiring Manager Friend Friends Guest Customers "
    "Partner Partners Students Parents Members Member User Users Staff Sales Service HR IT Admin Committee Board "
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April June July August "
    "September October November December English German French Chinese Spanish Italian British American Irish "
    "Dutch Polish Indian Japanese Korean Canadian Australian Brazilian Mexican Turkish Swiss Greek Swedish "
    "Norwegian Danish Russian Ukrainian Portuguese European Asian African Catholic Muslim Christian Jewish The "
    "This That Our Your Their New North South East West Please Thanks Thank Regards Best Kind Sent Also Not "
    "Sorry Unknown None Null True False Yes No Pending Order Invoice Department Office Company Street Road "
    "Windows Linux Google Microsoft Apple Amazon Acme Sure Great Good Morning Afternoon Evening Assistant Bot "
    "Reception Finance Legal Marketing Engineering Operations Security Payroll Helpdesk Desk Group Inc Ltd LLC "
    "GmbH Head Director Chief Project Product Account Senior Junior Lead We If In On At For To From Subject "
    "Re Fwd Date Status Type Name Title Phone Email Address And But Or So As It Is Are You They He She".split()
)
LABELS = (
    r"(?:full |first |last |legal |preferred |patient |customer |client |employee |guest |student |tenant |contact |"
    r"passenger |account |user |member )?(?:name|surname|patient|contact|employee|customer|client|applicant|attn|"
    r"attention|recipient|sender|signed|signature|guest|student|caller|tenant|beneficiary|account holder|card ?holder|"
    r"policy ?holder|emergency contact|next of kin|assignee|reporter|requester|requested by|reported by|approved by|"
    r"submitted by|prepared by|contact person|claimant|passenger|driver|witness|candidate|interviewer|owner|nurse|"
    r"physician|parent|guardian|spouse|manager|from|to|cc|author|line manager|supervisor|new hire|resident|payee|"
    r"name on (?:the )?card|bill to|ship to|deliver to|sold to|referred by|attending|trainee|visitor|host|landlord)"
)
_VALUE_GAP = r"(?:[:=：][*_]{0,2}\s{0,3}\|?|\|)\s{0,3}[\"'“*_]{0,3}"

_TITLE_WORDS = (
    "Mr",
    "Ms",
    "Mi",
    "Mx",
    "Dr",
    "Prof",
    "Doct",
    "Nurse",
    "Sist",
    "Fath",
    "Rev",
    "Herr",
    "Frau",
    "Señor",
    "Mad",
    "Mons",
    "Mme",
)
# Words without one of which a pattern need not be tried, and the pattern.
_ENGLISH: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = (
    (
        _TITLE_WORDS,
        re.compile(rf"\b{TITLES}\b\.?[ \t]+(?P<name>{NAME})"),
    ),
    (
        ("my name", "my full", "my legal", "call me", "i am called", "i go by", "name's", "name’s"),
        re.compile(
            rf"\b(?i:my(?: full| legal)? name(?: is|'s|’s)|call me|i am called|i go by|name['’]s)[ \t]+(?P<name>{NAME})"
        ),
    ),
    (
        ("this is", "i am", "i'm", "i’m", "it's", "it’s", "here is", "speaking is"),
        re.compile(
            rf"\b(?i:this is|i am|i['’]m|it['’]s|here is|speaking is)[ \t]+(?P<name>{NAME})"
            r"(?=,? (?:speaking|calling|from|here|again|writing|btw|by the way|seat|room|with the|at the|in the|of the|over|and i)\b)"
            rf"|\b(?i:i am|i['’]m)[ \t]+(?P<other>{NAME})(?=[,(.–—-]|\s*\n|$)"
        ),
    ),
    (
        (
            "dear ",
            "hi ",
            "hi,",
            "hello",
            "hey ",
            "hey,",
            "morning ",
            "morning,",
            "afternoon ",
            "evening ",
            "thank",
            "cheers",
            "welcome ",
        ),
        re.compile(
            rf"(?m:^|[.!?\"“”>][ \t]+)\W{{0,3}}(?i:dear|hi|hello|hey|good morning|good afternoon|good evening|morning|"
            rf"thanks|thank you|cheers|welcome)[, \t]+(?:{TITLES}\.?[ \t]+)?(?P<name>{NAME})(?=[ \t]*(?:[,!:;.\n–—-]|$| and\b))"
        ),
    ),
    (
        ("undersigned", "on behalf", "certify", "nominate", "bearer"),
        re.compile(
            rf"\b(?i:the undersigned|on behalf of|certify that|nominate|bearer),? (?:{TITLES}\.? )?(?P<name>{NAME})"
        ),
    ),
    (("\n",), re.compile(rf"\n\s*\n(?P<name>{_CAPITALS})[ \t]*\n(?=[A-Z])")),
    (
        ("\n-", "\n–", "\n—", "\n~", "\n "),
        re.compile(rf"\n[ \t]*[-–—~]{{1,2}}[ \t]*(?P<name>{NAME})[ \t]*(?=\n|$)"),
    ),
    (
        (
            "regards",
            "sincerely",
            "thank",
            "cheers",
            "yours truly",
            "best wishes",
            "signed",
            "all the best",
        ),
        re.compile(
            r"\b(?:[Rr]egards|[Ss]incerely|[Tt]hanks|[Tt]hank you|[Cc]heers|[Yy]ours truly|[Bb]est wishes|[Ss]igned|[Aa]ll the best),?[ \t]+"
            rf"(?:{TITLES}\.?[ \t]+)?(?P<name>{NAME})[ \t]*(?:[.)]?\s*(?:\n|$))"
        ),
    ),
)

# A name after a label, and one in a line after a closing: found from what stands between, which is rare.
_LABEL = re.compile(rf"(?<![\w-])(?:{LABELS}|fn)[\"'”*_]{{0,3}}\s{{0,3}}$", re.IGNORECASE)
_VALUE = re.compile(
    rf"{_VALUE_GAP}(?:{TITLES}\.?[ \t]+)?"
    rf"(?P<name>{_CAPITALS}|{NAME}(?:,[ \t]{PART}(?:[ \t]{PART})?(?=\s*(?:[;|\n\"')]|$)))?)"
)
_CLOSING_WORDS = (
    "regards",
    "best",
    "sincerely",
    "thanks",
    "thank you",
    "thx",
    "cheers",
    "yours",
    "wishes",
    "love",
    "truly",
    "faithfully",
    "respectfully",
    "warmly",
    "fondly",
    "cordially",
    "gratefully",
    "appreciated",
    "advance",
    "again",
)
_CLOSING = re.compile(rf"(?:{'|'.join(_CLOSING_WORDS)})[ \t]*[,!.–—-]*\s*$", re.IGNORECASE)
_SIGNED = re.compile(
    rf"\n+[ \t]*[-–—~]{{0,2}}[ \t]*(?:{TITLES}\.?[ \t]+)?(?P<name>{NAME})(?=[ \t]*(?:[,|(/\n–—”’)-]|\"|$))"
)
_NEAR = 40
# Every name has one of the letters that PART and _CAPITALS begin with.
_CAPITAL = re.compile(r"[A-ZÀ-\u024f\u1e00-\u1eff\u0410-\u042f]")


def english_names(text: str) -> Iterator[Span]:
    """The spans of names, without titles; they may overlap."""
    if not _CAPITAL.search(text):
        return
    lowered = text.lower()
    for words, pattern in _ENGLISH:
        where = text if words is _TITLE_WORDS else lowered
        if holds_any(where, words):
            for match in pattern.finditer(text):
                yield from _trimmed(text, *match.span(match.lastgroup or "name"))
    for between, before, words in (
        (_VALUE, _LABEL, (":", "：", "=", "|")),
        (_SIGNED, _CLOSING, _CLOSING_WORDS),
    ):
        if holds_any(lowered, words):
            for match in between.finditer(text):
                if before.search(text[max(0, match.start() - _NEAR) : match.start()]):
                    yield from _trimmed(text, *match.span("name"))


def holds_any(text: str, words: Sequence[str]) -> bool:
    """Does any of these stand in a text? It is seen sooner than a pattern fails everywhere."""
    return any(map(text.__contains__, words))


def _trimmed(text: str, start: int, end: int) -> Iterator[Span]:
    """Without words at either end that are no names; nothing where nothing is left."""
    words = [(m.start() + start, m.end() + start) for m in re.finditer(r"[^\s,]+", text[start:end])]
    while words and text[slice(*words[-1])].rstrip(".") in NO_NAMES:
        words.pop()
    if words and text[slice(*words[0])].rstrip(".") not in NO_NAMES:
        yield words[0][0], words[-1][1]
