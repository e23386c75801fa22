"""Chinese questions in the form in which they are compared.

No encoder that comes with Plumbline reads Chinese, so here words are all there is: what is left of two
questions must be the same, character by character. Only polite words, some particles and other ways to write
the same question word go; whole phrases of place and time, and "how to", may stand elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_POLITE = re.compile(
    "^(?:你好|您好|请问一下|请问|麻烦问一下|麻烦问|麻烦|想问一下|我想问一下|我想问|想问|我想知道|想知道|请告诉我|"
    "能告诉我|告诉我|问一下|请教一下|请教)+"
)
_THANKS = re.compile("(?:谢谢你?|谢谢您|多谢)$")
# Other ways to say the same, the longer ones first.
_SAME: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), form)
    for pattern, form in (
        ("(?:怎么样|怎样|怎麼|如何|要怎么|该怎么|应该怎么|应该如何)(?!办|了|回事)", "怎么"),
        ("(?:该)?怎么(?:办|处理)$", "怎么办"),
        ("为何|为啥|为什麽", "为什么"),
        ("几点钟?|什么时间|何时", "什么时候"),
        ("在哪里?|在哪儿|去哪里?|去哪儿|到哪里?|何处|什么地方", "哪里"),
        ("多少钱|什么价格|什么价钱|价格是多少|多少費用", "多少钱"),
        ("需要多少钱|要多少钱|要花多少钱", "多少钱"),
        ("多长时间|多久时间|多长", "多久"),
        ("(?:可不可以|能不能|能否|可否|是否可以|是否能|能够|可以|允许)", "能"),
        ("有没有", "有"),
        ("是不是", "是"),
        ("职员", "员工"),
        ("抽烟", "吸烟"),
        ("手提电脑", "笔记本电脑"),
        ("计算机", "电脑"),
        ("我们公司|本公司|我司", "公司"),
        ("無", "无"),
    )
)
# Asking whether: what is written with 有没有 or 能不能 needs no 吗.
_WHETHER = re.compile("(?:吗|嘛|(?<![什怎这那])么)$")
_PARTICLES = re.compile("[呢啊呀吧哦]$")
_LOOSE = re.compile("的|(?<=.)是(?=在)")
_DIGITS = str.maketrans("一二两三四五六七八九", "1223456789")
_NUMBER = re.compile(
    "[一二两三四五六七八九十百]+(?=[天日月年周个小分时元块张次人岁页条份米号])|(?<=第)[一二两三四五六七八九十]+"
)
# Names of months and days of the week, and what is counted by one, stand as digits too.
_WEEKDAY = re.compile("(?:星期|礼拜|周)([一二三四五六日天])")
# A phrase that may stand before or behind what the question is about.
_MOVES = re.compile(
    "(在[^，]{1,12}?(?:里|内|中|上|下|期间)|[^，在]{1,8}?期间|怎么[^，]{1,6}$|哪里[^，]{1,2}$)"
)
_FEWEST = 3
# "How to apply for it" may be written "it, how to apply": the object goes in front.
_HOW = ("怎么", "哪里")
_LONGEST_VERB = 4


def chinese_forms(normal: str) -> Iterator[str]:
    """The forms of a question in normal form; none where little would be left."""
    text = _expanded(normal)
    bare = _LOOSE.sub("", text)
    if len(bare) < _FEWEST:
        return
    yield bare
    yield from (f"%{form}" for form in _moved(text))


def _expanded(text: str) -> str:
    text = _THANKS.sub("", _POLITE.sub("", text.replace(" ", "")))
    text = _PARTICLES.sub("", text)
    whether = bool(_WHETHER.search(text)) or bool(
        re.search("有没有|能不能|可不可以|是不是|能否|可否|是否", text)
    )
    text = _WHETHER.sub("", text)
    text = _WEEKDAY.sub(lambda found: "周" + ("日" if found[1] == "天" else found[1]), text)
    text = _NUMBER.sub(lambda found: _value(found.group()), text)
    for pattern, form in _SAME:
        text = pattern.sub(form, text)
    return text + ("?" if whether else "")


def _moved(text: str) -> Iterator[str]:
    """The question with its phrase of place, time or manner taken to the end, where it has just one."""
    whether = text.endswith("?")
    body = text.rstrip("?")
    if body.startswith(_HOW):
        verb, end = body[2:], "?" if whether else ""
        for cut in range(1, min(_LONGEST_VERB, len(verb) - 2) + 1):
            yield f"{verb[cut:]}|{body[:2]}{verb[:cut]}{end}"
        return
    places = list(_MOVES.finditer(body))
    for place in places[:1]:
        rest = body[: place.start()] + body[place.end() :]
        if rest and len(rest) >= 2:
            yield f"{rest}|{place.group()}{'?' if whether else ''}"


def _value(numeral: str) -> str:
    """A Chinese numeral below a thousand, in digits; one that is none stays."""
    total, digit = 0, 0
    for character in numeral:
        if character == "百":
            total, digit = total + (digit or 1) * 100, 0
        elif character == "十":
            total, digit = total + (digit or 1) * 10, 0
        else:
            digit = int(character.translate(_DIGITS))
    return str(total + digit)
