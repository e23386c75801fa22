"""Personal data in a text, for taking it out: what has a form, and names and addresses by their wording.

`personal_data` finds what stands by itself (mail, cards, accounts, numbers of identity) and never takes an
order number for it. Here the words around are read as well: a number beside "call" is a phone, one beside
"part" is not. It can't find names in running text, addresses without a street and a number, or what is
spelt out ("anna at example dot org").
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass

from text.account_numbers import account_numbers
from text.identity_numbers import identity_numbers
from text.person_names import person_names
from text.personal_data import personal_data
from text.postal_addresses import postal_addresses

KINDS = ("mail", "phone", "id_number", "card", "account", "address", "name", "ip_address")

_PHONE = re.compile(
    r"(?<![A-Za-z\d_.\-–/+#])(?<!\d:)(?:\+|00)?\(?\d{1,4}\)?(?:[ .\-–/]?\(?\d{1,5}\)?){1,6}\d"
    r"(?:\s?(?:转|轉|ext\.?|x|extension|分机)\s?\d{1,6})?(?![A-Za-z\d_\-–/])",
    re.IGNORECASE,
)
_CALLING = re.compile(
    r"(?:\b(?:tel|tele?phon\w*|phone[ds]?|ph|get (?:me|him|her|us) (?:on|at)|mobile|mob|cell|call(?! cent)|calls|called|calling|ring|dial|fax|whatsapp|wechat|signal|sms|text|reach|"
    r"contact|landline|voicemail|hotline|callback|handy)\b|\b[tmp][:.]\s?$|电话|電話|手机|手機|座机|热线|致电|致電|拨打|撥打|来电|來電|回电|回電|打给|拨|"
    r"联系|聯絡|联系方式|传真|短信|微信|号码|固话|分机|打我|打$)",
    re.IGNORECASE,
)
_COUNTING = re.compile(
    r"(?:\b(?:sku|part|order|item|serial|s/n|ticket|invoice|inv|ref|reference|model|batch|lot|version|ver|isbn|issn|ean|upc|asin|"
    r"tracking|parcel|meeting id|meeting|case|po|account|acct|card|code|art|article|hs|awb|waybill|doi|build|key|id|vat|licen[cs]e|plate|asn|tag|flight|imei|mac|"
    r"coordinates|lat|long)\b|配件|订单|编号|型号|单号|货号|批次|批号|序列号|会议号|会议|工单|条码|税号|版本|运单|快递|书号|坐标|专利|发票|合同|住院|病历|门诊|入会|代码|流水|学号|工号|邮编)"
    r"[^\n;。；]{0,26}$",
    re.IGNORECASE,
)
_MEASURED = re.compile(
    r"\s?(?:[mkµ]?[gml]|km|cm|mm|kwh?|hz|rpm|eur|usd|%|€|\$|£|毫克|公斤|千克|克|吨|米|元|欧|件|个|次|人|条|行|字节|bytes?)(?![a-z])",
    re.IGNORECASE,
)
# The largest numbers of 32 bits stand in many a log.
_LIMITS = frozenset({"4294967295", "2147483647", "2147483648", "4294967296"})
# Groups as Britain and its neighbours write them; few other numbers look so.
_GROUPED = re.compile(
    r"(?:\(?0\d{2,4}\)? \d{3,4} \d{3,4}|07\d{3} ?\d{3} ?\d{3}|\(?0\d{1,3}\)?[- ]\d{3,4}[- ]\d{4}|1-[2-9]\d\d-\d{3}-\d{4})(?!\d)"
)
_CALLED_AFTER = re.compile(
    r"\s?[(（](?:mobile|mob|cell|home|work|tel|phone|office|手机|电话|座机|办公)", re.IGNORECASE
)
# Most texts have nothing like one, which is seen sooner than the whole pattern fails everywhere.
_DOTTED = re.compile(r"\d\.\d{1,3}\.\d|:[\dA-Fa-f]{0,4}:")
_ADDRESS = re.compile(
    r"(?<![A-Za-z\d_.:])(?<!==)(?:\d{1,3}(?:\.\d{1,3}){3}(?![A-Za-z\d_]|\.\d)|"
    r"[\dA-Fa-f]{0,4}(?::[\dA-Fa-f]{0,4}){2,7}(?![A-Za-z\d_:]|\.\d))"
)
_PRIVATE = re.compile(
    r"10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|192\.0\.2\.|198\.51\.100\.|203\.0\.113\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\."
)
# An address of the open net looks like a version; words beside it tell.
_NETWORK = re.compile(
    r"\b(?:ips?|ipv4|address\w*|host\w*|server|client|from|login|logged|ssh|ping|connect\w*|dns|gateway|proxy|vpn|rdp|firewall|traffic|"
    r"request|remote|subnet|router|attempt\w*|banned|blocked|scan\w*|source|src|dst|peer|get|post|denied|accepted|relay|allow|deny|user)\b|登录|登陆|爆破|攻击|扫描|地址|访问|来自|"
    r"主机|服务器|网关|远程|封禁|拦截|来源|客户端|内网|外网|公网|网络|连接|请求| - - \[|@|:\d{2,5}\b",
    re.IGNORECASE,
)
_VERSION = re.compile(
    r"(?:\b(?:v|ver|version|release|firmware|build|update|upgrade|patch|driver|section|chapter|clause|oid|rev|software|sdk|api|subnet "
    r"mask|netmask|mask|table|figure|fig)\b|版本|修订|固件|升级|更新|驱动|章|节|表|图|掩码|第)[^\n,;。，；]{0,14}$",
    re.IGNORECASE,
)
_NEAR = 40
_LIKE_DATE = re.compile(
    r"(?:19|20)\d\d[ .\-–/]\d{1,2}[ .\-–/]\d{1,2}|\d{1,2}[ .\-–/]\d{1,2}[ .\-–/](?:19|20)\d\d|(?:19|20)\d\d[-–/](?:19|20)\d\d"
)
_DIGIT = re.compile(r"\d")
# Full-width digits, letters and marks of numbers, each as the narrow one.
_NARROW = {wide: wide - 0xFEE0 for wide in range(0xFF10, 0xFF5B) if chr(wide - 0xFEE0).isalnum()}
_WIDE = re.compile("[０-９Ａ-Ｚａ-ｚ]")
# The digits of a phone number.
_LEAST_DIGITS, _MOST_DIGITS = 7, 15


@dataclass(frozen=True, slots=True)
class PrivateDatum:
    """`kind` is one of KINDS."""

    kind: str
    start: int
    end: int


def private_data(text: str) -> list[PrivateDatum]:
    """All personal data in a text, in order, never overlapping; where two do, the surer one counts."""
    found: list[PrivateDatum] = []
    for datum in _all(text.translate(_NARROW) if _WIDE.search(text) else text):
        if not any(f.start < datum.end and datum.start < f.end for f in found):
            found.append(datum)
    return sorted(found, key=lambda datum: datum.start)


def _all(text: str) -> Iterator[PrivateDatum]:
    """The surest first."""
    found: list[PrivateDatum] = []
    for datum in _with_form(text):
        found.append(datum)
        yield datum
    data = [(datum.start, datum.end) for datum in found]
    mails = [text[datum.start : datum.end] for datum in found if datum.kind == "mail"]
    yield from (PrivateDatum("name", *span) for span in person_names(text, data, mails))


def _with_form(text: str) -> Iterator[PrivateDatum]:
    digits = len(_DIGIT.findall(text))
    if digits or "@" in text:
        loose = []
        for datum in personal_data(text):
            if datum.kind == "phone":
                loose.append(datum)
            elif datum.kind == "mail" and text.startswith("git@", datum.start):
                continue  # where a repository is
            else:
                yield PrivateDatum(datum.kind, datum.start, datum.end)
        yield from (PrivateDatum("id_number", *span) for span in identity_numbers(text))
        yield from (PrivateDatum("ip_address", *span) for span in _machines(text))
        if digits >= _LEAST_DIGITS:
            yield from (PrivateDatum("account", *span) for span in account_numbers(text))
        if digits:
            yield from (PrivateDatum("address", *span) for span in postal_addresses(text))
        if digits >= _LEAST_DIGITS:
            yield from (PrivateDatum("phone", *span) for span in _phones(text))
        for datum in loose:
            if not _COUNTING.search(text[max(0, datum.start - _NEAR) : datum.start]):
                yield PrivateDatum("phone", datum.start, datum.end)


def _machines(text: str) -> Iterator[tuple[int, int]]:
    for match in _ADDRESS.finditer(text) if _DOTTED.search(text) else ():
        before = text[max(0, match.start() - _NEAR) : match.start()]
        if not _is_machine(match.group()) or _VERSION.search(before):
            continue
        around = before + text[match.end() : match.end() + _NEAR]
        if ":" in match.group() or _PRIVATE.match(match.group()) or _NETWORK.search(around):
            yield match.span()


def _phones(text: str) -> Iterator[tuple[int, int]]:
    for match in _PHONE.finditer(text):
        number = match.group()
        digits = sum(map(str.isdigit, re.split(r"转|轉|ext|x|分机", number, flags=re.I)[0]))
        if (
            not _LEAST_DIGITS <= digits <= _MOST_DIGITS
            or _is_other(number)
            or _MEASURED.match(text, match.end())
        ):
            continue
        before = _line_before(text, match.start())
        called, counted = _last(_CALLING, before), _last(_COUNTING, before)
        if counted > called:
            continue
        abroad = number[0] == "+" and digits >= 9
        named_after = _CALLED_AFTER.match(text, match.end())
        if called >= 0 or abroad or _GROUPED.match(number) or named_after:
            yield match.span()


def _line_before(text: str, place: int) -> str:
    """What stands near before a number, in its line; of a number that begins its line, in the one before."""
    before = text[max(0, place - _NEAR) : place]
    head, _, line = before.rpartition("\n")
    return line if line.strip() else head.rpartition("\n")[2]


def _is_other(number: str) -> bool:
    return bool(
        _LIKE_DATE.fullmatch(number) or number in _LIMITS or (number.isdigit() and len(number) > 11)
    )


def _last(pattern: re.Pattern[str], text: str) -> int:
    """Where the last match begins; -1 without one."""
    return max((match.start() for match in pattern.finditer(text)), default=-1)


def _is_machine(value: str) -> bool:
    """Is it an address that can be somebody's? Loopback, masks and the like are nobody's."""
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return False
    if address.version == 6:
        return not (address.is_loopback or address.is_unspecified) and len(value) > 6
    return not (address.is_loopback or address.is_unspecified or value.startswith(("255.", "0.")))
