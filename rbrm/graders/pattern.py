"""Patterns: a sentence that matches, and that nothing in it excuses.

Every sentence is held against the patterns of each language that it has letters of, since an answer may
change its language in the middle.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from rbrm.answer import Answer, Grade
from rbrm.rubric import LANGUAGES, PatternGrader, Patterns
from text.language import HAN

# A pattern that a person wrote is strong evidence, not certainty.
_FOUND, _NOT_FOUND = 0.97, 0.02

_QUOTED = re.compile(
    r"“[^”]*”|\"[^\"]*\"|「[^」]*」|『[^』]*』|《[^》]*》|‘[^’]*’|(?<!\w)'[^']+'(?!\w)|(?<!\*)\*[^*\n]+\*(?!\*)"
)


_LETTERS = {"en": re.compile("[A-Za-z]"), "zh": re.compile(f"[{HAN}]")}


# The patterns of all propositions look at the same sentences, one after the other.
@lru_cache(maxsize=1024)
def _unquoted(sentence: str) -> str:
    return _QUOTED.sub(" ", sentence)


@lru_cache(maxsize=1024)
def _languages(text: str) -> frozenset[str]:
    """The languages that a text has letters of."""
    return frozenset(name for name, letters in _LETTERS.items() if letters.search(text))


class PatternMatcher:
    """The compiled patterns of one proposition, looked for in every sentence."""

    def __init__(self, spec: PatternGrader) -> None:
        self.languages = frozenset(n for n in LANGUAGES if spec.pattern.of(n))
        self._patterns = [
            (language, pattern)
            for language in LANGUAGES
            if (pattern := _joined(getattr(spec.pattern, language)))
        ]
        self._any = _joined(spec.pattern.any)
        self._unless = compile_patterns(spec.unless)
        self._quoted = spec.quoted

    def grade(self, answer: Answer) -> Grade | None:
        """None where nothing was found and there are no patterns for the answer's language."""
        for sentence in answer.sentence_texts():
            if self._matches(sentence):
                return Grade(_FOUND, sentence)
        return Grade(_NOT_FOUND) if answer.language in self.languages else None

    def _matches(self, sentence: str) -> bool:
        said = sentence if self._quoted else _unquoted(sentence)
        letters = _languages(said)
        found = (self._any is not None and self._any.search(said) is not None) or any(
            language in letters and pattern.search(said) for language, pattern in self._patterns
        )
        return found and (self._unless is None or not self._unless.search(sentence))


def compile_patterns(patterns: Patterns) -> re.Pattern[str] | None:
    """All patterns of all languages as one; None where there are none."""
    return _joined([*patterns.en, *patterns.zh, *patterns.any])


def _joined(patterns: Sequence[str]) -> re.Pattern[str] | None:
    if not patterns:
        return None
    return re.compile("|".join(f"(?:{p})" for p in patterns), re.IGNORECASE)
