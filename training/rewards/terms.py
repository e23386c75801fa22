"""Terms of the reward beside the judge's: what can be told from the texts alone.

Each is a number for one answer; weights and sum are in `training/rewards/total.py`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from rbrm.graders.grounding import MARK
from text.language import HAN, reply_language
from training.overlap import f1

_TOKEN = re.compile(rf"[{HAN}]|[^\W_{HAN}]+")
_ARTICLES = frozenset(("a", "an", "the"))
# A phrase of so many words that comes again is a repetition.
_PHRASE = 4


def tokens_of(text: str) -> list[str]:
    """Words of English without articles, single Han characters; marks and punctuation do not count."""
    plain = unicodedata.normalize("NFKC", MARK.sub(" ", text)).lower()
    return [token for token in _TOKEN.findall(plain) if token not in _ARTICLES]


def correctness(answer: str, reference: str) -> float:
    """The F1 of the words that answer and reference share (Rajpurkar et al. 2016); of Chinese, characters are
    the words."""
    return f1(tokens_of(answer), tokens_of(reference))


def citation_format(answer: str, passages: int) -> float:
    """1 where marks name passages that are there, as the prompt asks, or where there is nothing to
    cite and no mark; else 0."""
    marks = [int(number) for number in MARK.findall(answer)]
    if not passages:
        return float(not marks)
    return float(bool(marks) and all(1 <= number <= passages for number in marks))


def same_language(answer: str, question: str) -> float:
    """1 where the answer is in the question's language, or in none, as a number is; else 0."""
    asked = reply_language(question)
    return float(reply_language(answer, default=asked) == asked)


def excess_length(answer: str, longest: int, *, cut_off: bool) -> float:
    """0 up to so many words, then falling to −1 at twice that; −1 for an answer that was cut off."""
    if cut_off:
        return -1.0
    return -min(1.0, max(0.0, len(tokens_of(answer)) / longest - 1.0))


def repetition(answer: str) -> float:
    """Less the share of four-word phrases that were said before."""
    tokens = tokens_of(answer)
    phrases = _phrases(tokens)
    return 0.0 if not phrases else len(set(phrases)) / len(phrases) - 1.0


def _phrases(tokens: Sequence[str]) -> list[tuple[str, ...]]:
    return [tuple(tokens[i : i + _PHRASE]) for i in range(len(tokens) - _PHRASE + 1)]
