"""Postal addresses with a street and a number, by their wording: English, Chinese, and common European ones."""

from __future__ import annotations

import re

from text.language import HAN

Span = tuple[int, int]

_WORD = r"(?:[A-ZÀ-Þ][\w'’.-]*|of|the|de|la|on)"
_STREETS = (
    r"(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Way|Court|Ct|Place|Pl|Square|Sq|Terrace|Close|Crescent|Cres|"
    r"Boulevard|Blvd|Row|Gardens|Gdns|Grove|Hill|Park|Parkway|Pkwy|Highway|Hwy|Quay|Mews|Walk|Circle|Cir|Loop|Trail|Rise|"
    r"View|Green|Wharf|Parade|Esplanade|Vale|Yard|Mount|Path|Alley|Bank|Broadway|Strand|Mall|Heights|Bend|Ridge|Run|Pike|"
    r"Turnpike|Common|Croft|End|Gate|Side|Field|Meadow|Meadows)"
)
_UNIT = r"(?:\d{1,2}\.?[º°ª](?: ?[A-Z][a-z]*\.?)?|(?:Apt|Apartment|Unit|Suite|Ste|Flat|Floor|Fl|Room|Rm|Bldg|Building|Block|House|P\.?O\.? Box|c/o|#)\.? ?#?[\w-]*)"
_POSTCODE = (
    r"(?:[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|(?:[A-Z]{2} )?\d{5}(?:-\d{4})?|(?:[A-Z]{2} )?[A-Z]\d[A-Z] ?\d[A-Z]\d|"
    r"[A-Z]{2,3} \d{4}|\d{4}-\d{3}|\d{4}(?: [A-Z]{2})?|[A-Z]\d{2} ?[A-Z\d]{4})(?![A-Za-z\d])"
)
_PLACE = r"[A-ZÀ-Þ][a-zß-ÿ'’.-]+(?:[ -](?:[A-ZÀ-Þ][a-zß-ÿ'’.-]+|upon|on|of|de|la|am|an|der|sur|le|les|under|in|the|im|bei|ob|bij|aan|den|ter|do|da|dos|di|del)){0,3}"
_GAP = r"(?:,\s?|\s*\n\s*|[ \t]+[-–·][ \t]+|\s*;\s*| \| )"
_TAIL = rf"(?:{_GAP}(?:{_UNIT}|{_POSTCODE}(?: {_PLACE})?|{_PLACE}(?:,? {_POSTCODE})?)| {_UNIT}| {_POSTCODE})"
_ENGLISH = re.compile(
    rf"(?<![\w/.#:-])(?:{_UNIT}{_GAP}|{_UNIT} )?(?:{_PLACE} (?:House|Hall|Court|Tower|Lodge|Building|Centre|Center|Mansions|Cottage){_GAP})?\d{{1,5}}[A-Za-z]?(?:[-–/]\d{{1,4}}[A-Za-z]?)?,? "
    rf"(?:(?:N|S|E|W|NE|NW|SE|SW|North|South|East|West)\.? )?(?:{_WORD} ){{1,4}}{_STREETS}\b\.?"
    rf"(?: (?:N|S|E|W|NE|NW|SE|SW|North|South|East|West)\b\.?)?{_TAIL}{{0,5}}"
)
_EUROPEAN: tuple[re.Pattern[str], ...] = (
    re.compile(
        rf"\b(?:[A-ZÄÖÜ][\w-]+(?:stra(?:ß|ss)e|str\.|weg|platz|allee|gasse|ring|damm|ufer|straat|laan|kade|dijk|singel|gracht|plein|gatan|vägen|gade|vej)|"
        rf"[A-ZÄÖÜ][\w-]+(?: [A-ZÄÖÜ][\w-]+)?[ -](?:Straße|Strasse|Str\.|Allee|Weg|Platz|Ring|Damm|Ufer|Gasse))"
        rf",? \d{{1,4}}(?: ?[a-z]|-[IVX\d]+)?\b{_TAIL}{{0,3}}"
    ),
    re.compile(
        rf"(?<![\w/.-])\d{{1,4}}(?: ?(?:bis|ter|[A-Z]))?,? (?:rue|avenue|boulevard|place|chemin|quai|impasse|allée|cours|route|square)"
        rf" (?:d(?:e|u|es) |de la |de l['’]|d['’]|l['’])?[\w'’À-ÿ-]+(?:[ -][A-ZÀ-Þ\d][\w'’À-ÿ-]*){{0,4}}{_TAIL}{{0,3}}",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:Blk|Block) \d{1,4}[A-Z]? (?:[A-Z][\w'’.]* ){1,5}(?:\d{1,3} )?#\d{2}-\d{2,4}(?:,? Singapore \d{6})?"
    ),
    # A street without a word for it, where postcode and town follow.
    re.compile(
        r"\b[A-ZÀ-Þ][a-zß-ÿ-]+(?: [A-Za-zÀ-ÿ-]+){0,2} \d{1,4} ?[a-z]?,\s(?:[A-Z]{1,2}-)?\d{4,5}(?: [A-Z]{2})? [A-ZÀ-Þ][a-zß-ÿ-]+\b"
    ),
    re.compile(
        rf"\b(?:Via|Viale|Piazza|Corso|Calle|C/|Avenida|Av\.|Carrer|Plaza|Paseo|Rua|Praça|ul\.|Ulica|Largo)"
        rf" (?:[\w'’À-ÿ.-]+ ){{0,4}}[\w'’À-ÿ.-]+,? (?:n\.?º? ?)?\d{{1,4}}\b{_TAIL}{{0,3}}"
    ),
)
# What stands around the number in each of them, which is seen sooner than the whole pattern fails everywhere.
_WESTERN = tuple(
    zip(
        (
            re.compile(r"\d[A-Za-z]?,? [A-ZÀ-Þotdl]"),
            re.compile(r" \d"),
            re.compile(r"\d(?: ?[A-Za-z]{1,3})?,? [A-Za-z]", re.IGNORECASE),
            re.compile(r"#\d"),
            re.compile(r" \d{1,4} ?[a-z]?,\s"),
            re.compile(r"(?:[ nº.])\d"),
        ),
        (_ENGLISH, *_EUROPEAN),
        strict=True,
    )
)

_H = f"[{HAN}]"
_D = r"[\d一二三四五六七八九十百〇零甲乙丙丁A-Za-z]"
_ESTATE = (
    "(?:小区|花园|公寓|新村|家园|广场|大厦|宿舍|苑|府|城|园|庭|邨|轩|阁|湾|院|里|家属院|国际|中心)"
)
# From these on an address is told: a street with its number, or an estate with that of a building.
_STREET_NUMBER = re.compile(
    rf"(?:大道|大街|路|街|巷|弄|胡同|道|里|屯|村|坊|条|圩|堤|线|段)(?:{_H}段|[东南西北中東]段?)?(?:\s?{_D}{{1,5}}\s?(?:巷|弄|衖)){{0,2}}\s?{_D}{{1,5}}(?:-\d+|之\d+)?\s?(?:弄|号|號)(?:\s?之\s?\d+)?"
)
_ESTATE_NUMBER = re.compile(
    rf"{_ESTATE}\s?{_D}{{1,4}}\s?(?:期|区|号楼|號樓|号|栋|棟|幢|座|单元|楼|组团|-(?=\d))"
)
_VILLAGE_NUMBER = re.compile(rf"(?:村|屯|庄){_D}{{1,3}}(?:组|队|社)\s?{_D}{{1,4}}\s?(?:号|户)")
_WITHIN = re.compile(
    rf"(?:\s?(?:[（(]{_H}{{1,12}}[）)]|{_H}{{0,10}}?(?:{_ESTATE}|楼|座)?\s?{_D}{{1,5}}(?:-\d+){{0,3}}\s?"
    r"(?:号楼|號樓|号院|号|號|栋|棟|幢|座|单元|單元|室|层|層|楼|樓|房|户|组|门|院|梯|铺|区|期)(?:\s?之\s?\d+)?"
    r"(?:[东南西北中左右](?:户|侧|门))?(?:\d{2,4}(?:室|号|房)?(?![\d年月日元点:：])|[A-Z]\b)?|-\d{1,5})){0,6}"
)
# What may stand to the left of it: province, city, district, and the name of the street.
_REGIONS = re.compile(rf"[{HAN}\dA-Za-z·]{{1,45}}$")
# What stands before an address and is none of it.
_LEAD = re.compile(
    rf"^.*?(?:地址是|地址|住址|寄到|寄往|寄至|送到|送往|送至|发到|发往|搬到|搬至|搬去|住在|位于|改成|改为|改到|换成|家在|现住|在|到|往|为|去|住|寄|是)(?={_H}{{2}})"
)


def postal_addresses(text: str) -> list[Span]:
    """The spans of addresses; they may overlap."""
    found: list[Span] = []
    for number, pattern in _WESTERN:
        if number.search(text):
            found += (match.span() for match in pattern.finditer(text))
    for pattern in (_STREET_NUMBER, _VILLAGE_NUMBER, _ESTATE_NUMBER):
        for match in pattern.finditer(text):
            span = _widened(text, *match.span(), needs_more=pattern is _ESTATE_NUMBER)
            found += [span] if span else []
    return sorted(found, key=lambda span: span[0] - span[1])


def _widened(text: str, start: int, end: int, *, needs_more: bool) -> Span | None:
    """A Chinese address with what belongs to it on both sides; an estate needs a number within."""
    within = _WITHIN.match(text, end)
    if within is not None and within.end() > end:
        end = within.end()
    elif needs_more:
        return None
    regions = _REGIONS.search(text[max(0, start - 45) : start])
    if regions is None:
        return None
    lead = _LEAD.match(regions.group())
    return start - len(regions.group()) + (lead.end() if lead else 0), end
