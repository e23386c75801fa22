"""Text as search terms: English words without endings, Chinese characters and their pairs.

Chinese needs no dictionary: character uni- and bigrams find as much as a word segmenter and cost a
twentieth of the time.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import snowballstemmer

from text.language import HAN

_TOKEN = re.compile(rf"[{HAN}]+|[^\W_{HAN}]+(?:['’][a-z]+)?", re.UNICODE)
_HAN_RUN = re.compile(f"[{HAN}]+")
# "E-1042" is one code, whether it is written with a dash or without.
_CODE = re.compile(r"\b([a-z]{1,6})[-\u2010-\u2013](\d[a-z\d]*)\b")
# Longer texts are whole chunks, which nobody asks for twice.
_SHORT = 2000
_STEMMER = snowballstemmer.stemmer("english")

_ENGLISH_STOPS = frozenset(
    "a an the and or but if of at by for with about to from in on as is are was were be been "
    "being am do does did doing have has had having i me my we us our you your he him his she "
    "her it its they them their this that these those there here what which who whom whose when "
    "where why how will would shall should can could may might must not no nor so than too very "
    "just also any some such into over under then once own same other each both more most s t d "
    "ll m o re ve get got please tell".split()
)
# Only particles and question words: in a bigram model a wrongly dropped character costs more than a
# kept one, since its rarity already makes it weigh little.
_CHINESE_STOPS = frozenset("的了吗呢吧啊么是在和与及或也都就而被把")
_CHINESE_QUESTION_WORDS = re.compile(
    "请问|什么时候|为什么|什么|怎么样|怎么|怎样|多少|多久|哪一|哪些|哪个|哪里|哪|如何|是否|可不可以|"
    "可以|可否|能不能|能否|为何|几个|谁的|谁|我们|你们|他们|有没有|需要|应该|我|你|他|她"
)


def terms(text: str) -> list[str]:
    """Index terms in order, with repeats: stems of English words, Han characters and pairs."""
    return list(_terms(text) if len(text) <= _SHORT else _terms.__wrapped__(text))


@lru_cache(maxsize=4096)
def _terms(text: str) -> tuple[str, ...]:
    """Several rules ask for the terms of the same sentence, so the last ones are kept."""
    found: list[str] = []
    plain = _CODE.sub(r"\1-\2 \1\2", unicodedata.normalize("NFKC", text).lower())
    for match in _TOKEN.finditer(plain):
        token = match.group()
        if _HAN_RUN.fullmatch(token):
            found.extend(_han_terms(token))
        elif token not in _ENGLISH_STOPS:
            found.append(_stem(token))
    return tuple(found)


def content_terms(question: str) -> list[str]:
    """The different terms that carry a question, in order, without question words."""
    return list(dict.fromkeys(terms(_CHINESE_QUESTION_WORDS.sub(" ", question))))


def is_han_pair(term: str) -> bool:
    """Is this term a pair of Han characters?"""
    # The first test is the quick one: this is asked of every term of every sentence.
    return len(term) == 2 and term >= "\u3400" and _HAN_RUN.fullmatch(term) is not None


def _han_terms(run: str) -> list[str]:
    singles = [character for character in run if character not in _CHINESE_STOPS]
    pairs = [run[i : i + 2] for i in range(len(run) - 1)]
    return singles + [p for p in pairs if not (p[0] in _CHINESE_STOPS or p[1] in _CHINESE_STOPS)]


@lru_cache(maxsize=65536)
def _stem(word: str) -> str:
    bare = re.sub(r"['’][a-z]+$", "", word)
    stem: str = _STEMMER.stemWord(bare)
    return stem
