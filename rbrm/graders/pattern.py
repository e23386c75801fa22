"""Patterns: a sentence that matches, and that nothing in it excuses.

Every sentence is held against the patterns of all languages, since an answer may change its language in
the middle.
"""

from __future__ import annotations

import re

from rbrm.answer import Answer, Grade
from rbrm.rubric import LANGUAGES, PatternGrader, Patterns

# A pattern that a person wrote is strong evidence, not certainty.
_FOUND, _NOT_FOUND = 0.97, 0.02

_QUOTED = re.compile(
    r"“[^”]*”|\"[^\"]*\"|「[^」]*」|『[^』]*』|《[^》]*》|‘[^’]*’|(?<!\w)'[^']+'(?!\w)|(?<!\*)\*[^*\n]+\*(?!\*)"
)


class PatternMatcher:
    """The compiled patterns of one proposition, looked for in every sentence."""

    def __init__(self, spec: PatternGrader) -> None:
        self.languages = frozenset(n for n in LANGUAGES if spec.pattern.of(n))
        self._pattern = compile_patterns(spec.pattern)
        self._quoted = spec.quoted
        self._unless = compile_patterns(spec.unless)

    def grade(self, answer: Answer) -> Grade | None:
        """None where nothing was found and there are no patterns for the answer's language."""
        for sentence in answer.sentence_texts():
            if self._matches(sentence):
                return Grade(_FOUND, sentence)
        return Grade(_NOT_FOUND) if answer.language in self.languages else None

    def _matches(self, sentence: str) -> bool:
        said = sentence if self._quoted else _QUOTED.sub(" ", sentence)
        if self._pattern is None or not self._pattern.search(said):
            return False
        return self._unless is None or not self._unless.search(sentence)


def compile_patterns(patterns: Patterns) -> re.Pattern[str] | None:
    """All patterns of all languages as one; None where there are none."""
    found = [*patterns.en, *patterns.zh, *patterns.any]
    return re.compile("|".join(f"(?:{p})" for p in found), re.IGNORECASE) if found else None
