"""Patterns: a sentence that matches, and that nothing in it excuses."""

from __future__ import annotations

import re
from functools import cached_property

from rbrm.answer import Answer, Grade
from rbrm.rubric import LANGUAGES, PatternGrader, Patterns

# A pattern that a person wrote is strong evidence, not certainty.
_FOUND, _NOT_FOUND = 0.97, 0.02


class PatternMatcher:
    """The compiled patterns of one proposition, looked for in every sentence."""

    def __init__(self, spec: PatternGrader) -> None:
        self._patterns = {language: _compile(spec.pattern, language) for language in LANGUAGES}
        self._unless = {language: _compile(spec.unless, language) for language in LANGUAGES}

    @cached_property
    def languages(self) -> frozenset[str]:
        """The languages that it has patterns for."""
        return frozenset(name for name, pattern in self._patterns.items() if pattern)

    def grade(self, answer: Answer) -> Grade | None:
        """None where there are no patterns for the answer's language."""
        pattern, unless = self._patterns[answer.language], self._unless[answer.language]
        if pattern is None:
            return None
        for sentence in answer.sentence_texts():
            if pattern.search(sentence) and not (unless and unless.search(sentence)):
                return Grade(_FOUND, sentence)
        return Grade(_NOT_FOUND)


def _compile(patterns: Patterns, language: str) -> re.Pattern[str] | None:
    found = patterns.of(language)
    return re.compile("|".join(f"(?:{p})" for p in found), re.IGNORECASE) if found else None
