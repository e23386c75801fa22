"""Citation marks in answers: do they name passages that say what is claimed?"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rbrm.answer import Answer, Question
from rbrm.graders.grounding import MARK, citations_valid
from text.sentences import sentences

# A mark behind the full stop belongs to the sentence that ends there.
_BEHIND = re.compile(r"([.!?。！？]+)[ \t]*((?:\[\d{1,3}\][ \t]*)+)")
_WIDE = str.maketrans("【】", "[]")


def citation_accuracy(question: Question, text: str) -> float | None:
    """The share of the sentences with marks whose marks all name passages that hold what is said there
    (the judge's rule); None for an answer without marks."""
    marked = [s for s in sentences(_joined(text)) if MARK.search(s)]
    if not marked:
        return None
    right = 0
    for sentence in marked:
        grade = citations_valid(question, Answer.of(question.text, sentence, question.passages))
        right += grade is not None and grade.probability >= 0.5
    return right / len(marked)


def has_citation(text: str) -> bool:
    """Does the answer cite anything?"""
    return MARK.search(text.translate(_WIDE)) is not None


def citation_match(passages: Sequence[str], cited: Sequence[str], text: str) -> float | None:
    """F1 of the passages that the answer cites and those that it should; None where nobody said which."""
    wanted = {n for n, passage in enumerate(passages, 1) if passage in cited}
    if not wanted:
        return None
    found = {int(n) for n in MARK.findall(text.translate(_WIDE))}
    return 2 * len(found & wanted) / (len(found) + len(wanted))


def _joined(text: str) -> str:
    return _BEHIND.sub(lambda m: f" {m[2].strip()}{m[1]} ", text.translate(_WIDE))
