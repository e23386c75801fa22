"""A prompt without what changes when people or clients send it again: case, punctuation, layout, politeness."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from feedback.hygiene.numbers import chinese_in_digits, english_in_digits
from text.language import HAN

_POLITE_EN = (
    r"please|pls|plz|kindly|hi|hello|hey|hi there|hello there|dear (?:all|team|assistant)|good (?:morning|afternoon|"
    r"evening|day)|thanks(?: a lot| so much| very much| again| in advance)?|thank you(?: so much| very much| in "
    r"advance)?|many thanks|cheers|thx|ty|(?:i am |i m )?sorry(?: to bother you)?|excuse me|(?:a )?quick question|"
    r"(?:sent|sending|asking|resending|trying|posted|posting)(?: this| it)? again|resent|resend|(?:i )?(?:am )?just "
    r"(?:wondering|asking)|could you|can you|would you|will you|if you (?:can|could|don t mind)|i would like to know|"
    r"i d like to know|i want to know|tell me|let me know|help me(?: out)?"
)
_POLITE_ZH = (
    "麻烦你|麻烦您|麻烦|请问一下|请问|请教一下|请教|请您|请你|请帮我|请帮忙|请|帮我|帮忙|您好|你好|大家好|早上好|"
    "下午好|晚上好|哈喽|嗨|谢谢您|谢谢你|谢谢啦|谢谢了|多谢了|多谢|谢谢|感谢|拜托了|拜托|不好意思|打扰一下|打扰了|"
    "打扰|劳驾|辛苦了|我想问一下|想问一下|我想问|想问|我想知道|我想了解一下|想了解一下|再发一次|重新发送|重发|再问一次|"
    "再次发送|又发一遍|再发一遍|急急急|在吗|能不能|能否|可以|可否"
)
_POLITE = re.compile(rf"\b(?:{_POLITE_EN})\b|{_POLITE_ZH}")
_MARKUP = re.compile(r"https?://\S+|</?[a-z][^<>]{0,40}>")
_TOKEN = re.compile(rf"[{HAN}]|\d+(?:[.,:/]\d+)*%?|[^\W\d_{HAN}]+(?:['’][^\W\d_{HAN}]+)?")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
# Remarks about the sending itself, in brackets or at an end.
_REMARK = re.compile(
    r"[(\[（【][^()\[\]（）【】]{0,60}(?:again|re-?sen[dt]|repost|duplicate|(?:second|2nd|third|3rd|another|new) (?:time|attempt|try)|"
    r"再次|再发|重发|重新|重复|又发|第二次|补发)[^()\[\]（）【】]{0,60}[)\]）】]"
)
_LIST_MARK = re.compile(
    r"(?m)^[ \t]*(?:\d{1,2}[.)、]|[-*•+>#]+|[(（]?[a-h\d][)）])[ \t]+|[(（]\d{1,2}[)）]"
)


def normal(text: str) -> str:
    """A prompt without what changes when it is sent again: tokens with blanks between them."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    plain = _REMARK.sub(" ", _LIST_MARK.sub(" ", _MARKUP.sub(" ", plain)))
    plain = _POLITE.sub(" ", _THOUSANDS.sub("", plain).replace("%", " percent "))
    tokens = english_in_digits(_TOKEN.findall(chinese_in_digits(plain)))
    if not tokens:
        tokens = text.split()
    return " ".join(_undoubled(tokens))


def is_han(token: str) -> bool:
    """Is a token a Han character?"""
    # Tokens of one character above these are Han; a pattern would say the same in ten times the time.
    return len(token) == 1 and token >= "\u3400"


def _undoubled(tokens: Sequence[str]) -> list[str]:
    """Without words that were written twice in a row; Chinese doubles characters on purpose."""
    return [
        token
        for before, token in zip(["", *tokens], tokens)
        if token != before or is_han(token) or token[0].isdigit()
    ]
