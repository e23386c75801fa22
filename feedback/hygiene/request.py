"""Do two prompts ask for the same thing in nearly the same words?

What people and clients change when they send a prompt again (case, punctuation, layout, politeness) is taken
out of both first. What still differs is looked at piece by piece: misspellings and little words do not
count, another number, name or negation always does, and how many other words may differ grows with the
length. Both languages follow the same rules; Chinese is read character by character, and a character in
place of another that sounds the same is a misspelling.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from pypinyin import Style, pinyin
from rapidfuzz.distance import OSA, Levenshtein

from feedback.hygiene.normal import is_han, normal
from feedback.hygiene.numbers import BELOW_TWENTY
from feedback.hygiene.sketches import Differences, Mask
from text.engines.folder import EMBEDDED, model_folder

# Characters that are taken for each other because they look alike.
_LOOKALIKES = frozenset(
    frozenset(pair)
    for pair in (
        "洗冼 未末 己已 已巳 己巳 甩用 吃乞 折拆 贷货 侯候 戊戌 幻幼 茶荼 免兔 爪瓜 晴睛 人入 土士 日曰 干千 天夭 "
        "大太 太犬 大犬 刀刁 白百 问间 闪问 困因 园圆 住往 拔拨 栗粟 徒徙 赢羸 崇祟 治冶 冷泠 今令 买卖 名各 午牛 目且 贝见 "
        "体休 象像 燥躁 辨辩 辩辫 辨辫 密蜜 复覆 暴爆 即既 历厉 坐座 度渡 带戴 须需"
    ).split()
)

# Words of greetings, and of remarks about the sending itself.
_FRAME = frozenset(
    "again once more time second attempt try retry duplicate message answer answered reply got sent send resend "
    "resending repeat reposting sorry connection dropped lost first one ones no not hope well assistant ai bot help "
    "yesterday today question kind regards best wishes team everyone morning afternoon evening day good nice great "
    "last earlier before advance appreciate appreciated quick dear hi hello hey thanks thank much lot kindly please "
    "1 2 3 2nd 3rd urgent update still waiting anyone there ok okay so well excuse".split()
) | frozenset(
    "您好你请谢再次发送重新问麻烦打扰急在吗各位大家早晚上下午辛苦感非常了一遍第二三复刚才没收到回医生客服尊敬老师盼亲帮助小"
)
# These change nothing when they come or go; in place of each other they may.
_LITTLE = frozenset(
    "a an the to of in on at for with is are was were be been do does did has have had i we you it this that "
    "these those there and or so then also just very really my our your me us as by from would will shall "
    "could can should may might some any all please now here about s".split()
) | frozenset(
    "的地得了吗呢吧啊呀么是有在个就都也还一下把被和与及或我你您他她它们这那上里中到给会能要"
)
_NEGATIONS = frozenset(
    "not no never without none nobody nothing neither nor except unless don't doesn't didn't isn't aren't wasn't "
    "can't cannot couldn't won't wouldn't shouldn't mustn't haven't hasn't".split()
) | frozenset("不没勿否")

# Words of a short prompt all count; in a longer one some may differ.
_SHORT, _SHORT_HAN, _LONG = 12, 10, 60
# Share of the words of a long prompt that may differ, each in a place of its own.
_SCATTERED = 0.08
# Share that may be in place of other words at all, misspellings included.
_REPLACED = 0.12
# So many words in a row are another sentence, not another word.
_RUN = 4
# A pasted text may have been cut by this share.
_CUT = 0.25
_CUT_FROM = 45
# Greetings and remarks may add so many words.
_REMARKED = 12


@dataclass(frozen=True, slots=True)
class Request:
    """A normalised prompt as tokens: words, numbers and single Han characters.

    Attributes:
        weight: how long it is; a Han character says about half as much as an English word.
        words, han: the different ones that are no little words.
    """

    tokens: tuple[str, ...]
    weight: float
    has_han: bool
    words: frozenset[str]
    han: frozenset[str]

    @classmethod
    def of_normal(cls, text: str) -> Request:
        """From a text that `normal` gave."""
        tokens = tuple(text.split())
        telling = frozenset(tokens) - _LITTLE
        if text.isascii():
            return cls(tokens, len(tokens), False, telling, frozenset())
        number = sum(map(is_han, tokens))
        han = frozenset(filter(is_han, telling))
        return cls(tokens, len(tokens) - number / 2, number > 0, telling - han, han)

    @classmethod
    def of(cls, text: str) -> Request:
        """From a prompt as it was written."""
        return cls.of_normal(normal(text))


def same_request(one: Request, other: Request) -> bool:
    """Do they ask for the same?"""
    if one.tokens == other.tokens:
        return True
    length = min(one.weight, other.weight)
    longer = max(one.weight, other.weight)
    if length < longer * (1 - _CUT) - _REMARKED:
        return False
    spent, allowance = 0.0, _allowed(length, one.has_han)
    # What was added or cut off makes one side longer; what is in place of something is on both.
    both = len(one.words & other.words) + len(one.han & other.han) / 2
    if min(_telling_weight(one), _telling_weight(other)) - both > _most(length, allowance):
        return False
    slips = 0
    for change in _changes(one.tokens, other.tokens):
        cost = change.cost(longer)
        if cost is None:
            return False
        slips += cost == 0
        spent += cost
    return spent <= allowance and slips <= _slips(length)


def may_be_same(found: Differences) -> Mask:
    """False for each pair that `same_request` would not take for the same, as far as sketches tell."""
    length, longer = np.minimum(found.one, found.other), np.maximum(found.one, found.other)
    # Where Han characters are in it and where not, whichever allows more.
    allowance = np.select(
        [length < _SHORT_HAN, length < _LONG / 2, length < _LONG],
        [0.0, 1.5, 2.0],
        np.maximum(2.0, _SCATTERED * length),
    )
    most = allowance + np.maximum(2.0, _REPLACED * length)
    may: Mask = (length >= longer * (1 - _CUT) - _REMARKED) & (
        np.minimum(found.lost, found.came) <= most
    )
    return may


@dataclass(frozen=True, slots=True)
class _Change:
    """A stretch that differs: tokens of one prompt, those of the other, and whether it begins or ends both."""

    old: tuple[str, ...]
    new: tuple[str, ...]
    at_start: bool
    at_end: bool

    def cost(self, length: float) -> float | None:
        """Words that differ in it; None where it makes another request of the prompt."""
        old, new = self.old, self.new
        if "".join(old) == "".join(new) or _misspelt(old, new):
            return 0.0
        if (self.at_start or self.at_end) and (not old or not new) and _is_frame(old or new):
            return 0.0
        if self.at_end and length >= _CUT_FROM and (not old or not new):
            return 0.0 if _weight(old or new) <= _CUT * length else None
        if _NEGATIONS & (set(old) ^ set(new)):
            return None
        lost, came = _telling(old), _telling(new)
        if not lost and not came:
            return 0.0
        if _numbers(lost) != _numbers(came):
            return None
        if self.at_end and lost and came and length < _LONG:
            return None  # what is asked about comes last: "… and one record: wolverine"
        weight = max(_weight(lost), _weight(came))
        if length < _LONG and lost and came and not all(map(_is_common, (*lost, *came))):
            return None
        if weight >= _RUN or (length < _LONG and weight > 1.5):
            return None
        return weight


def _slips(length: float) -> float:
    """How many misspellings and little words there may be."""
    return max(2.0, 0.2 * length)


def _telling_weight(request: Request) -> float:
    return len(request.words) + len(request.han) / 2


def _most(length: float, allowance: float) -> float:
    """How many telling words may be in place of others, whatever they are."""
    return allowance + max(2.0, _REPLACED * length)


def _allowed(length: float, has_han: bool) -> float:
    """How many words may differ, besides misspellings and little words."""
    if length < (_SHORT_HAN if has_han else _SHORT):
        return 0.0
    if length < _LONG:
        return 1.5 if length < _LONG / 2 else 2.0
    return max(2.0, _SCATTERED * length)


def _changes(one: Sequence[str], other: Sequence[str]) -> list[_Change]:
    """What differs, stretch by stretch; changes with no more than one word between them are one."""
    found: list[list[int]] = []
    for edit in Levenshtein.opcodes(one, other):
        a, b, c, d = edit.src_start, edit.src_end, edit.dest_start, edit.dest_end
        if edit.tag == "equal":
            continue
        if found and a - found[-1][1] <= 0:
            found[-1][1], found[-1][3] = b, d
        else:
            found.append([a, b, c, d])
    changes = []
    for a, b, c, d in found:
        # Words in place of as many others are looked at one by one.
        if (c == d and _repeats(one, a, b)) or (a == b and _repeats(other, c, d)):
            continue
        size = max(b - a, d - c)
        step = 1 if b - a == d - c and not is_han(one[a]) else size
        for i in range(0, size, step):
            old, new = (
                tuple(one[a + i : min(b, a + i + step)]),
                tuple(other[c + i : min(d, c + i + step)]),
            )
            at_end = (b, d) == (len(one), len(other)) and i + step >= size
            changes.append(_Change(old, new, a == c == i == 0, at_end))
    return changes


def _repeats(tokens: Sequence[str], start: int, end: int) -> bool:
    """Is a stretch the same as what stands right before or after it?"""
    size = end - start
    return tokens[start:end] in (tokens[max(0, start - size) : start], tokens[end : end + size])


def _misspelt(old: tuple[str, ...], new: tuple[str, ...]) -> bool:
    """Is one a misspelling of the other?"""
    if not old or not new:
        return False
    if all(map(is_han, (*old, *new))):
        return len(old) == len(new) and all(map(_taken_for, old, new))
    a, b = _spelt("".join(old)), _spelt("".join(new))
    if any(map(str.isdigit, a + b)) or len(old) + len(new) > 3:
        return False
    if _stem(a) == _stem(b):
        return True
    known = _words()
    if a in known and b in known:
        return False
    return OSA.distance(a, b) <= (1 if min(len(a), len(b)) < 7 else 2)


def _telling(tokens: Sequence[str]) -> list[str]:
    return [token for token in tokens if token not in _LITTLE]


def _numbers(tokens: Sequence[str]) -> list[str]:
    # 一 is an article more often than a number.
    return sorted(token for token in tokens if token[0].isdigit() and token != "1")


def _weight(tokens: Iterable[str]) -> float:
    return sum(0.5 if is_han(token) else 1.0 for token in tokens)


def _spelt(token: str) -> str:
    return BELOW_TWENTY[int(token)] if token.isdigit() and int(token) < 20 else token


def _is_frame(tokens: Sequence[str]) -> bool:
    """Is it about the sending, or politeness, and not about the matter?"""
    telling = _telling(tokens)
    return sum(token in _FRAME for token in telling) >= 0.6 * len(telling)


def _is_common(token: str) -> bool:
    return is_han(token) or token in _words()


@lru_cache(maxsize=8192)
def _taken_for(one: str, other: str) -> bool:
    """Does one Han character sound or look like the other?"""
    alike = one == other or frozenset((one, other)) in _LOOKALIKES
    return alike or bool(_sounds(one) & _sounds(other))


@lru_cache(maxsize=8192)
def _sounds(character: str) -> frozenset[str]:
    """Its readings without tones."""
    (readings,) = pinyin(character, Style.NORMAL, heteronym=True)
    return frozenset(readings)


def _stem(word: str) -> str:
    return re.sub(r"(?:'s|s)$", "", word) if len(word) > 3 else word


@lru_cache(maxsize=1)
def _words() -> frozenset[str]:
    """Common English words: the whole words of the encoder's vocabulary."""
    definition = json.loads((model_folder(EMBEDDED) / "tokenizer.json").read_text("utf-8"))
    return frozenset(piece for piece in definition["model"]["vocab"] if piece.isalpha())
