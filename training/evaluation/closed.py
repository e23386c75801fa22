"""Answers beside a reference: exact match and token F1, as SQuAD counts them (Rajpurkar et al. 2016).

English is compared by words without articles and punctuation, Chinese by character, where an English
word or a number within it counts as one.
"""

from __future__ import annotations

import re
import unicodedata

from text.language import HAN
from training.overlap import f1

_MARK = re.compile(r"\s*[\[【]\d{1,3}[\]】]")
_ARTICLE = re.compile(r"\b(?:a|an|the)\b")
_TOKEN = re.compile(rf"[{HAN}]|[^\W_{HAN}]+", re.UNICODE)


def tokens(text: str) -> list[str]:
    """What of an answer is compared: without citation marks, case, width, punctuation and articles."""
    plain = unicodedata.normalize("NFKC", _MARK.sub("", text)).lower()
    # Punctuation goes without leaving a blank, as in SQuAD's script: "U.S." is "us".
    plain = "".join(c for c in plain if not _is_punctuation(c))
    return _TOKEN.findall(_ARTICLE.sub(" ", plain))


def exact_match(answer: str, reference: str) -> bool:
    """Are they the same when only what is compared counts?"""
    return tokens(answer) == tokens(reference)


def token_f1(answer: str, reference: str) -> float:
    """The harmonic mean of precision and recall of tokens, counted with repeats."""
    return f1(tokens(answer), tokens(reference))


def _is_punctuation(character: str) -> bool:
    return unicodedata.category(character).startswith(("P", "S"))
