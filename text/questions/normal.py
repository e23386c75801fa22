"""A question without what nobody means by it: case, width, blanks, punctuation."""

from __future__ import annotations

import re
import unicodedata

from text.language import HAN

# Marks that are part of what is said: "2.1", "E-1042", "+5", "C++", "50%", "can't", "€".
_KEPT = re.compile(
    r"(?<=\d)[.,:/-](?=\d)|(?<=\w)[-'](?=\w)|[+#%‰°$€£¥₩§&@=<>*^~|\\]|[-−](?=\d)|\w", re.UNICODE
)
_BLANKS = re.compile(r"\s+")
_BETWEEN_HAN = re.compile(rf"(?<=[{HAN}]) | (?=[{HAN}])")
_QUOTES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "‐": "-"})


def normal_form(question: str) -> str:
    """Equal for two questions that differ in case, width, blanks or punctuation only; empty where nothing
    but these is there."""
    plain = unicodedata.normalize("NFKC", question).casefold().translate(_QUOTES)
    kept = "".join(
        character if _KEPT.match(plain, place) else " " for place, character in enumerate(plain)
    )
    return _BETWEEN_HAN.sub("", _BLANKS.sub(" ", kept)).strip()
