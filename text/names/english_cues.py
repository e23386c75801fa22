"""English names in running text: two or more capitalised words, and something beside them that only goes with people.

One clear cue is enough: a relation or an office before the name, a verb of people before or after it, personal data or
an address right beside it, an address of mail made of it. Else given and family name must both be known as such.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from text.names.english import JOINT, NAME, NO_NAMES, PART, Span
from text.names.english_words import FAMOUS, NO_PERSONS, PLACES
from text.names.known import holds_full_name, is_family_name, is_given_name

_FULL = re.compile(rf"(?<![\w@./\\#&-])(?:[A-ZÀ-Þ]{{3,}}[ \t]+)?{NAME}(?![\w@&])")
# Most texts have no two such words beside one another, which is seen sooner.
_TWO_LARGE = re.compile(r"[A-ZÀ-\u024f][^\s]*[ \t]+(?:[a-z]{1,4}[ \t]+){0,3}[A-ZÀ-\u024f]")
_WORD = re.compile(r"[^\s,]+")
# Two words that are nobody who could be concerned.
_NOBODY = FAMOUS | PLACES
_JOINTS = frozenset(JOINT.strip("(?:)").split("|"))
_PEOPLE = (
    r"(?:husband|wife|spouse|fianc[ée]e?|(?:grand)?(?:mother|father|son|daughter|parents?|ma|pa)(?:-in-law)?|mum|mom|dad|(?:step)?(?:brother|sister)(?:-in-law)?|"
    r"aunt|uncle|cousin|niece|nephew|neighbou?r|flatmate|roommate|colleague|co-?worker|teammate|boss|deputy|chair(?:man|woman|person)?|"
    r"patient|pt|attn|attention|creditor|debtor|payee|payer|declarant|deponent|lead|tenant|driver|nurse|caller|owner|"
    r"director|manager|supervisor|secretary|treasurer|accountant|lawyer|solicitor|trainer|coach|therapist|carer|warden|porter|"
    r"operator|engineer|technician|electrician|plumber|intern|trainee|apprentice|candidate|applicant|claimant|witness|"
    r"assistant|coordinator|officer|agent|rep|representative|consultant|broker|traveller|traveler|guest|visitor|"
    r"pupil|student|teacher|tutor|lecturer|principal|headteacher|donor|client|customer|member|landlord|landlady|lodger|"
    r"husband's name|wife's name|named|called|namens|don|doña|don/doña|naam|nom|nombre|nome|imię|imie|vorname|prénom)"
)
_VERBS = (
    r"(?:ask|asked|tell|told|email|emailed|e-mail|mail|text|texted|ring|rang|phone|phoned|contact|contacted|meet|met|know|knew|known|"
    r"thank|remind|invite|invited|interview(?:ed)?|hire[ds]?|promote[ds]?|pay|paid|refund(?:ed)?|visit(?:ed)?|cc|bcc|ping|pinged|"
    r"spoke (?:to|with)|speak (?:to|with)|talk(?:ed)? (?:to|with)|met with|chat with|sign(?:ed)? (?:it|by|off by|as|for by)|signed|written by|"
    r"prepared by|approved by|reported by|handled by|booked by|witnessed by|registered to|addressed to|belongs? to|on behalf of|"
    r"(?:reported|created|assigned|submitted|requested|approved)_by|i am|i'm|im|this is|name is|name's|mein name ist|ich bin|ich heiße|je m'appelle|je suis|me llamo|soy|mi chiamo|sono)"
)
_LEFT = re.compile(
    rf"(?:^|[^\w-])(?:{_PEOPLE}[,:]?|{_VERBS}:?)[\"']?:?[ \t]*[\"“(]?$|(?:^|[\s,;(]){_PEOPLE}[,:=] $",
    re.IGNORECASE,
)
# Names in small letters, which only such a word can show, and only if both are known.
_LOWER = re.compile(rf"\b(?:{_PEOPLE}[,:]?|{_VERBS}) ([a-zà-ÿ]{{3,}}) ([a-zà-ÿ]{{3,}})(?![\w@-])")
_RIGHT = re.compile(
    r"(?:,? \(?(?:dob|d\.o\.b|born|aged)\b|,? \(?\d{1,2} ?[MFmf]\b| \d{1,3}(?: ?y/?o)\b|"
    r" (?:has |have |had |also |just |again |kindly |then )?(?:rang|called|phoned|wrote|emailed|e-mailed|texted|answered|replied|"
    r"says?|said|tells?|asks?|asked|complain(?:s|ed)|confirm(?:s|ed)|report(?:s|ed)|request(?:s|ed)|sign(?:s|ed)|apologi[sz]ed|"
    r"travel(?:s|led|ed)|arrived|attended|booked|paid|lives?|lived|works?|worked|resign(?:s|ed)|joined|joins|waited|visited|"
    r"broke|fell|lost|forgot|left|died|agreed|refused|promised|picked up|dropped off|is (?:on (?:leave|holiday)|off sick|my|our|the new)|"
    r"was (?:born|rude|very|hired|promoted|late)|will (?:call|sign|be|bring|pick))\b|"
    r" ?\((?:chair|minutes|secretary|treasurer|mother|father|wife|husband|parent|patient|tenant|dob|born|aged|she|he|they|her|his|ext)|"
    r",? (?:of |at )?\d{1,4}[A-Za-z]? (?:[A-ZÀ-Þ][\w'’-]+ ){1,3}|, \d{1,3}(?: bis| ter)? rue |"
    r" from (?:accounts|accounting|hr|it|sales|finance|payroll|procurement|legal|marketing|support|reception|night|the)\b)"
)
# What stands between a name and what it is beside, or in one list with.
_GAP = " \t\n,;:|/(<>)\"'·–—-"
_BESIDE = re.compile(rf"[{re.escape(_GAP)}]{{0,4}}")
_LISTED = re.compile(r"(?: ?\([^()\n]{1,20}\))?(?:,| and| &|;|,? und|,? et|,? y) ")
# What a sentence about somebody goes on with.
_DOES = re.compile(
    r" (?:[a-z]{3,}ed|was|is|has|had|will|would|can|could|wants|needs|went|came|got|took|gave|made)\b"
)
_LABELLED = re.compile(r"(?:^|[\n;|(\"])[ \t*-]*[A-Za-z][A-Za-z _/-]{1,24}[\"*]?:[ \t*\"]{1,3}$")
# O'Rourke, Declan: as registers have it.
_REVERSED = re.compile(
    rf"(?:(?<=[\"\n;|\t])|^)[ ]?(?P<family>{PART}), ?(?P<given>{PART})(?=[\";|\t\n]|$)"
)
_ARTICLE = re.compile(r"(?:^|\W)(?:the|a|an) $", re.IGNORECASE)
_LETTERS = re.compile(r"[^\W\d_]{3,}")
_NEAR = 40


class _Data:
    """Personal data that names may stand beside."""

    def __init__(self, spans: Sequence[Span], mails: Sequence[str]) -> None:
        self._starts = {start for start, _ in spans}
        self._ends = {end for _, end in spans}
        self._users = " ".join(mail.split("@")[0].casefold() for mail in mails)

    def name_mail(self, words: Sequence[str]) -> bool:
        """Is one of these words in an address of mail?"""
        return any(word.casefold()[:6] in self._users for word in words if len(word) > 3)

    def stand_beside(self, text: str, start: int, end: int) -> bool:
        """Does one of them stand right before or after this span?"""
        gap = _BESIDE.match(text, end)
        if gap is not None and gap.end() in self._starts:
            return True
        ends = (at for at in range(max(0, start - 4), start + 1) if at in self._ends)
        return any(not text[at:start].strip(_GAP) for at in ends)


def names_by_cues(text: str, data: Sequence[Span], mails: Sequence[str]) -> Iterator[Span]:
    """The spans of names.

    Args:
        data: spans of other personal data, in any order.
        mails: the addresses of mail among them.
    """
    if _TWO_LARGE.search(text):
        around = _Data(data, mails)
        rows = [span for match in _FULL.finditer(text) for span in _names(text, *match.span())]
        persons = [span for span in rows if _is_person(text, *span, around)]
        yield from persons
        yield from _listed_with(text, rows, persons)
        for match in _REVERSED.finditer(text):
            if is_given_name(match["given"]) and is_family_name(match["family"]):
                yield match.start("family"), match.end("given")
    for match in _LOWER.finditer(text) if holds_full_name(text.split()) else ():
        given, family = match.groups()
        if is_given_name(given) and is_family_name(family):
            yield match.start(1), match.end(2)


def _names(text: str, start: int, end: int) -> Iterator[Span]:
    """What of a row of capitalised words can be a name: without verbs and offices before it."""
    words = [(m.start() + start, m.end() + start) for m in _WORD.finditer(text[start:end])]
    while len(words) > 1 and _leads(text[slice(*words[0])]):
        words.pop(0)
    while words and (text[slice(*words[-1])] in NO_NAMES or text[slice(*words[-1])] in _JOINTS):
        words.pop()
    if len(words) < 2:
        return
    said = [text[slice(*word)] for word in words]
    after = _WORD.match(text, words[-1][1] + 1)
    followed = [after.group().strip(".,")] if after else []
    no_person = any(word in NO_PERSONS for word in (*said, *followed))
    if no_person or any(word in NO_NAMES for word in said):
        return
    if " ".join(said[:2]).casefold() not in _NOBODY:
        yield words[0][0], words[-1][1]


def _leads(word: str) -> bool:
    """Is it a word before a name that is written large, such as the first of a sentence?"""
    is_name = re.fullmatch(rf"{PART}|[A-ZÀ-Þ]{{3,}}", word)
    return word in NO_NAMES or not is_name or bool(_LEFT.search(f" {word}"))


def _is_led_to(text: str, start: int) -> bool:
    return bool(_LEFT.search(text[max(0, start - _NEAR) : start]))


def _is_person(text: str, start: int, end: int, around: _Data) -> bool:
    if _ARTICLE.search(text[max(0, start - _NEAR) : start]):
        return False
    if _is_led_to(text, start) or _RIGHT.match(text, end):
        return True
    words = _LETTERS.findall(text[start:end])
    if not words:
        return False
    given, family = is_given_name(words[0]), is_family_name(words[-1])
    if (given and family) or around.name_mail(words):
        return True
    if given and _DOES.match(text, end):
        return True
    if (given or family) and _LABELLED.search(text[max(0, start - _NEAR) : start]):
        return True
    return (given or family) and around.stand_beside(text, start, end)


def _listed_with(text: str, rows: Sequence[Span], persons: Sequence[Span]) -> Iterator[Span]:
    """What stands in one list with a name, if a part of it is known as one."""
    found = set(persons)
    for ordered in (rows, rows[::-1]):
        for one, other in pairwise(ordered):
            between = min(one[1], other[1]), max(one[0], other[0])
            if one not in found or other in found or not _LISTED.fullmatch(text, *between):
                continue
            words = text[slice(*other)].split()
            if is_given_name(words[0]) or is_family_name(words[-1]):
                found.add(other)
                yield other
