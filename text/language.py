"""Which of our languages a text is written in.

Scripts decide, not a model: a question of five words is too short for statistics, and Han characters
settle it. Japanese (kana) and Korean (hangul) are not Chinese and are reported as `other`.
"""

from __future__ import annotations

import re

HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"

_HAN = re.compile(f"[{HAN}]")
_KANA_OR_HANGUL = re.compile(r"[\u3040-\u30ff\uac00-\ud7af]")
_LATIN_WORD = re.compile(r"[A-Za-z\u00c0-\u024f]+")

# One Han character says about as much as half an English word, so a Chinese sentence that names an
# English product stays Chinese and an English one that quotes a Chinese word stays English.
_HAN_PER_WORD = 2


def language_of(text: str) -> str:
    """`zh`, `en`, or `other` (no letters, or a script that is neither)."""
    han = len(_HAN.findall(text))
    words = len(_LATIN_WORD.findall(text))
    if len(_KANA_OR_HANGUL.findall(text)) > han:
        return "other"
    if han and han >= _HAN_PER_WORD * words / 2:
        return "zh"
    return "en" if words else "other"


def reply_language(text: str, default: str = "en") -> str:
    """The language to answer in: `zh` or `en`, with a default for text that is neither."""
    language = language_of(text)
    return default if language == "other" else language
