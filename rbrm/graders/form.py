"""Rules on the form of an answer: length, format, language, repetition, and what was asked of them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from rbrm.answer import Answer, Grade, Question
from rbrm.graders.grounding import MARK
from text.language import language_of
from text.terms import terms

_HOLDS, _FAILS = 0.97, 0.03
# A run of this many words seen three times is repetition, not style.
_NGRAM, _TIMES = 6, 3
# Without a wish of the user's: longer than this is an essay, and a request to explain that gets
# fewer words got a shrug. Words; a Chinese word is counted as two characters.
_ESSAY_WORDS, _SHRUG_WORDS = 500, 8

_COUNT = (
    {
        word: number
        for number, word in enumerate(
            "zero one two three four five six seven eight nine ten eleven twelve".split()
        )
    }
    | {"a": 1, "an": 1, "single": 1, "两": 2, "十": 10}
    | {character: number for number, character in enumerate("零一二三四五六七八九")}
)
_N = r"(\d{1,4}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|a single|[一二两三四五六七八九十])"
_UNIT = {
    "word": "words",
    "words": "words",
    "字": "characters",
    "个字": "characters",
    "字符": "characters",
    "characters": "characters",
    "character": "characters",
    "sentence": "sentences",
    "sentences": "sentences",
    "句": "sentences",
    "句话": "sentences",
    "个句子": "sentences",
    "paragraph": "paragraphs",
    "paragraphs": "paragraphs",
    "段": "paragraphs",
    "段话": "paragraphs",
    "个段落": "paragraphs",
    "lines": "lines",
    "line": "lines",
    "行": "lines",
}
_UNITS = "|".join(sorted(_UNIT, key=len, reverse=True))
_ITEMS = (
    r"(?:things|items|points?|bullets?|bullet points|reasons?|examples?|ways|steps|tips|ideas|names|"
    r"options|suggestions|facts|benefits|advantages|questions|rules|titles|条|点|项|个(?:理由|原因|例子|"
    r"要点|步骤|建议|方法|办法|方面|优点|问题|名字|选项|标题))"
)
_LENGTH = re.compile(
    r"(?P<most>at most|no more than|not more than|up to|under|fewer than|less than|within|maximum of|max\.?|"
    r"不超过|不多于|最多|少于|以内|控制在)?\s*(?P<least>at least|no fewer than|no less than|more than|over|minimum of|"
    rf"至少|不少于|超过|多于)?\s*{_N}[ -]?(?P<unit>{_UNITS})(?![a-z])\s*(?P<after>or (?:less|fewer)|or more|以内|以下|以上|左右|之内)?",
    re.IGNORECASE,
)
_LIST_COUNT = re.compile(
    rf"(?:\b(?:list|give|name|write|provide|suggest|offer|state|mention|tell me|show)\b[^.?!\n]{{0,30}}?|列出|给出|写出|举出|举|说出|提供|列举|给我)\s*{_N}\s*(?:\w+ ){{0,2}}?{_ITEMS}",
    re.IGNORECASE,
)
_BRIEF = re.compile(
    r"\b(?:briefly|in brief|short answer|be (?:brief|concise)|concisely|one word|tl;?dr|in a nutshell)\b|简短|简要|简洁|一句话|简单(?:说|回答|概括)|用一个词",
    re.I,
)
_AT_LENGTH = re.compile(
    r"\b(?:in detail|detailed|explain|thorough(?:ly)?|step by step|in depth|elaborate|essay|comprehensive)\b|详细|具体说明|一步一步|深入|展开|逐步|解释",
    re.I,
)
_LIST = re.compile(
    r"^[ \t]*(?:[-*•·]|\d{1,3}[.)、）]|[（(]?[一二三四五六七八九十][)）、.])[ \t]*\S", re.MULTILINE
)
_MUST_HOLD = re.compile(
    r"(?:\b(?:include|including|contain(?:ing)?|mention(?:ing)?|use|using|containing)\s+(?:the\s+)?(?:word|phrase|term)s?|(?:包含|使用|提到|出现)(?:词语|关键词|单词|短语|这个词|“))\s*[:：]?\s*[\"'“‘「]?([^\"'”’」.。,，\n]{1,40})",
    re.I,
)
_MUST_NOT_HOLD = re.compile(
    r"(?:\b(?:without (?:using|mentioning)|do(?:n't| not) (?:use|mention|say)|avoid(?: using)?)\s+(?:the\s+)?(?:word|phrase|term)s?|(?:不要|不得|避免)(?:使用|提到|出现|说)(?:词语|单词|短语|这个词|“))\s*[:：]?\s*[\"'“‘「]?([^\"'”’」.。,，\n]{1,40})",
    re.I,
)
_YEAR = re.compile(r"(?<!\d)(1[5-9]\d{2}|20\d{2})(?!\d)")
_BEFORE = re.compile(
    r"\b(?:before|until|prior to|no later than)\s+(?:the year\s+)?(1[5-9]\d{2}|20\d{2})\b|(1[5-9]\d{2}|20\d{2})\s*年?(?:之前|以前|前)",
    re.I,
)
_AFTER = re.compile(
    r"\b(?:after|since|later than)\s+(?:the year\s+)?(1[5-9]\d{2}|20\d{2})\b|(1[5-9]\d{2}|20\d{2})\s*年?(?:之后|以后|后|以来)",
    re.I,
)
_ISO_ASKED = re.compile(r"\b(?:iso(?:[ -]?8601)?|yyyy-mm-dd)\b|年-月-日", re.I)
_ISO_DATE = re.compile(r"(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)")

_FORMATS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        (
            "json",
            r"\b(?:as|in|return|output|valid|give me|format(?:ted)? as)\b[^.?!\n]{0,20}\bjson\b|(?:以|用|输出|返回|给出)[^。？\n]{0,8}json",
        ),
        (
            "table",
            r"\b(?:in|as|into|make|create|show)\b[^.?!\n]{0,16}\btable\b|(?:用|以|做成|列成|整理成|画)[^。？\n]{0,6}表格?",
        ),
        (
            "list",
            r"\b(?:as|in|using|with|make|into)\b[^.?!\n]{0,16}\b(?:bullet(?:s|ed)?(?: points?| list)?|numbered list|a list)\b|(?:用|以|分)[^。？\n]{0,6}(?:列表|要点|分点|条目)|分(?:点|条)(?:说明|回答|列出)",
        ),
        (
            "code",
            r"\b(?:write|give|show|provide)\b[^.?!\n]{0,24}\b(?:code|function|script|sql query|regex)\b|(?:写|给)[^。？\n]{0,10}(?:代码|函数|脚本|正则)",
        ),
        (
            "yes_no",
            r"\b(?:answer|reply|respond)\b[^.?!\n]{0,24}\byes or no\b|\byes[/ ]no\b|只(?:用|需)?回答[“\"]?(?:是|对|能)[”\"]?(?:或|还是|/)",
        ),
        (
            "one_word",
            r"\b(?:in|with|using)\s+(?:just |only )?(?:one|a single) word\b|用一个(?:词|单词)回答",
        ),
    )
)


def wants_brevity(question: str) -> bool:
    """Does the user ask for a short answer?"""
    return _BRIEF.search(question) is not None


def wants_detail(question: str) -> bool:
    """Does the user ask for a long answer?"""
    return _AT_LENGTH.search(question) is not None and not wants_brevity(question)


def empty(question: Question, answer: Answer) -> Grade:
    """The answer says nothing."""
    return Grade(0.0 if re.search(r"\w", MARK.sub("", answer.text)) else 1.0)


def answers_in_user_language(question: Question, answer: Answer) -> Grade | None:
    """The answer is written in the language of the question."""
    asked, said = language_of(question.text), language_of(MARK.sub("", answer.text))
    if "other" in (asked, said):
        return None
    return Grade(1.0 if asked == said else 0.0)


def repetitive(question: Question, answer: Answer) -> Grade:
    """The same words come again and again."""
    found = terms(answer.text)
    runs = Counter(tuple(found[i : i + _NGRAM]) for i in range(len(found) - _NGRAM + 1))
    most = max(runs.values(), default=0)
    return Grade(1.0 if most >= _TIMES else 0.0)


def too_long(question: Question, answer: Answer) -> Grade:
    """Longer than the user asked for, or an essay where nobody asked for one."""
    for wish in _length_wishes(question.text):
        if wish.most is not None and wish.measure(answer) > wish.most * 1.1:
            return Grade(_HOLDS)
    words = length_in_words(answer.text)
    if wants_brevity(question.text):
        return Grade(_HOLDS if words > 80 else _FAILS)
    essay = words > _ESSAY_WORDS and not wants_detail(question.text)
    return Grade(_HOLDS if essay else _FAILS)


def too_short(question: Question, answer: Answer) -> Grade:
    """Shorter than the user asked for, or a shrug where an explanation was asked for."""
    for wish in _length_wishes(question.text):
        if wish.least is not None and wish.measure(answer) < wish.least * 0.9:
            return Grade(_HOLDS)
    shrug = wants_detail(question.text)
    return Grade(_HOLDS if shrug and length_in_words(answer.text) < _SHRUG_WORDS else _FAILS)


def format_as_asked(question: Question, answer: Answer) -> Grade | None:
    """The answer has the form that the user asked for; None where no form was asked for."""
    asked = [name for name, pattern in _FORMATS if pattern.search(question.text)]
    if not asked:
        return None
    return Grade(_HOLDS if all(_CHECKS[name](answer.text) for name in asked) else _FAILS)


def constraints_met(question: Question, answer: Answer) -> Grade | None:
    """Counts, lengths, words and dates are as the user asked; None where nothing was asked.

    InstructGPT names failing on several explicit constraints as one of its own faults (Ouyang et al.
    2022, section 4.3).
    """
    checks = [
        *(wish.met_by(answer) for wish in _length_wishes(question.text)),
        *_list_checks(question.text, answer.text),
        *_word_checks(question.text, answer.text),
        *_date_checks(question.text, answer.text),
    ]
    return Grade(_HOLDS if all(checks) else _FAILS) if checks else None


@dataclass(frozen=True, slots=True)
class _LengthWish:
    unit: str
    least: int | None
    most: int | None

    def measure(self, answer: Answer) -> int:
        """The answer's length in the unit of the wish."""
        text = MARK.sub("", answer.text).strip()
        if self.unit == "words":
            return length_in_words(text)
        if self.unit == "characters":
            return len(re.sub(r"\s", "", text))
        if self.unit == "sentences":
            return len(answer.sentences)
        blank = r"\n\s*\n" if self.unit == "paragraphs" else r"\n+"
        return len([part for part in re.split(blank, text) if part.strip()])

    def met_by(self, answer: Answer) -> bool:
        """Is the length as wished? Long lengths may be missed by a tenth."""
        size = self.measure(answer)
        slack = 0.1 if self.unit in ("words", "characters") else 0.0
        low, high = self.least or 0, self.most if self.most is not None else size
        return low * (1 - slack) <= size <= high * (1 + slack)


@lru_cache(maxsize=64)
def _length_wishes(question: str) -> tuple[_LengthWish, ...]:
    """Three rules and the reward model ask it of every answer to one question."""
    found = []
    for match in _LENGTH.finditer(question):
        number = _number(match.group(3))
        unit = _UNIT[match.group("unit").lower()]
        after = (match.group("after") or "").lower()
        least = bool(match.group("least")) or after in ("or more", "以上")
        most = bool(match.group("most")) or after in ("or less", "or fewer", "以内", "以下", "之内")
        lead = question[max(0, match.start() - 12) : match.start(3)].lower()
        wished = (
            least
            or most
            or re.search(
                r"(?:\b(?:in|with|using|exactly|of|about|around)\s*$|用|以|写|大约|约|分成?|恰好|正好)",
                lead,
            )
        )
        if not wished and after != "左右":
            continue
        if least:
            found.append(_LengthWish(unit, number, None))
        elif most:
            found.append(_LengthWish(unit, None, number))
        else:
            loose = (
                0.3
                if after == "左右" or re.search(r"about|around|约", lead)
                else 0.1 * (number > 15)
            )
            found.append(
                _LengthWish(unit, round(number * (1 - loose)), round(number * (1 + loose)))
            )
    return tuple(found)


def _list_checks(question: str, answer: str) -> list[bool]:
    match = _LIST_COUNT.search(question)
    if match is None:
        return []
    wanted, items = _number(match.group(1)), len(_LIST.findall(answer))
    if items:
        return [items == wanted]
    # A list in running text: items parted by semicolons, commas or an "and".
    parts = re.split(
        r"[;；]|,\s+(?:and\s+)?|\s+and\s+|[、，](?:以及|和)?|(?<!\w)和(?!\w)", answer.strip()
    )
    sentences = re.split(r"(?<=[.!?。！？])\s*", answer.strip())
    return [
        wanted in (len([p for p in parts if p.strip()]), len([s for s in sentences if s.strip()]))
    ]


def _word_checks(question: str, answer: str) -> list[bool]:
    said = answer.lower()
    wanted = [m.group(1).strip().lower() for m in _MUST_HOLD.finditer(question)]
    banned = [m.group(1).strip().lower() for m in _MUST_NOT_HOLD.finditer(question)]
    wanted = [word for word in wanted if word not in banned]
    return [word in said for word in wanted] + [word not in said for word in banned]


def _date_checks(question: str, answer: str) -> list[bool]:
    checks = []
    years = [int(year) for year in _YEAR.findall(answer)]
    if (match := _BEFORE.search(question)) and years:
        checks.append(any(year <= int(match.group(1) or match.group(2)) for year in years))
    if (match := _AFTER.search(question)) and years:
        checks.append(any(year >= int(match.group(1) or match.group(2)) for year in years))
    if _ISO_ASKED.search(question):
        checks.append(any(_is_date(*match) for match in _ISO_DATE.findall(answer)))
    return checks


def _is_date(year: str, month: str, day: str) -> bool:
    try:
        return date(int(year), int(month), int(day)) is not None
    except ValueError:
        return False


def length_in_words(text: str) -> int:
    """Words; of Chinese, half the characters."""
    if language_of(text) == "zh":
        return len(re.sub(r"\s", "", text)) // 2
    return len(text.split())


def _number(word: str) -> int:
    bare = word.lower().removeprefix("a ")
    return int(bare) if bare.isdigit() else _COUNT[bare]


def _is_json(text: str) -> bool:
    inner = re.search(r"```(?:json)?\s*(.*?)```", text, re.DOTALL)
    try:
        json.loads(inner.group(1) if inner else text)
    except ValueError:
        return False
    return True


def _is_code(text: str) -> bool:
    return "```" in text or bool(
        re.search(
            r"^\s*(?:def |class |function |import |const |select )|[;{}]\s*$|=>|\w\(.*\)",
            text,
            re.I | re.M,
        )
    )


_CHECKS: dict[str, Callable[[str], bool]] = {
    "json": _is_json,
    "table": lambda text: len(re.findall(r"^\s*\|.+\|\s*$", text, re.MULTILINE)) >= 2,
    "list": lambda text: len(_LIST.findall(text)) >= 2,
    "code": _is_code,
    "yes_no": lambda text: bool(
        re.match(r"\W*(?:(?:yes|no)\b|是|否|不|能|对|可以)", text.strip(), re.I)
    ),
    "one_word": lambda text: len(MARK.sub("", text).split()) == 1 and len(text.strip()) <= 20,
}
