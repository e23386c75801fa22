"""The named rules: deterministic checks that a pattern can't express.

A rule is a function from question and answer to a Grade, or None where it can't judge. Adding one
here and naming it in a rubric is all that a new rule takes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

from rbrm.answer import Answer, Grade, Question
from rbrm.refusal import compliance
from text.language import language_of
from text.terms import content_terms, terms

Rule = Callable[[Question, Answer], Grade | None]

_MARK = re.compile(r"\[\d{1,3}\]")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")

# From this share of its words on, a sentence counts as drawn from the passages.
_DRAWN_FROM = 0.6
# A run of this many words seen three times is repetition, not style.
_NGRAM, _TIMES = 6, 3


def empty(question: Question, answer: Answer) -> Grade:
    """The answer says nothing."""
    return Grade(0.0 if re.search(r"\w", _MARK.sub("", answer.text)) else 1.0)


def complies(question: Question, answer: Answer) -> Grade:
    """The answer delivers at least a part of what was asked."""
    found = compliance(answer)
    return Grade(1 - found.full_refusal if answer.text.strip() else 0.0)


def fully_complies(question: Question, answer: Answer) -> Grade:
    """The answer delivers all that was asked."""
    return Grade(compliance(answer).full_compliance if answer.text.strip() else 0.0)


def refuses(question: Question, answer: Answer) -> Grade:
    """The answer says that it will not or can not do what was asked."""
    found = compliance(answer)
    return Grade(1 - found.full_compliance, found.evidence)


def answers_in_user_language(question: Question, answer: Answer) -> Grade | None:
    """The answer is written in the language of the question."""
    asked, said = language_of(question.text), language_of(_MARK.sub("", answer.text))
    if "other" in (asked, said):
        return None
    return Grade(1.0 if asked == said else 0.0)


def repetitive(question: Question, answer: Answer) -> Grade:
    """The same words come again and again."""
    found = terms(answer.text)
    runs = Counter(tuple(found[i : i + _NGRAM]) for i in range(len(found) - _NGRAM + 1))
    most = max(runs.values(), default=0)
    return Grade(1.0 if most >= _TIMES else 0.0)


def grounded(question: Question, answer: Answer) -> Grade | None:
    """Share of the answer's sentences whose words and numbers stand in the passages.

    None where there are no passages, and for an answer that has nothing to ground (a refusal).
    """
    if not question.passages:
        return None
    evidence = "\n".join(question.passages)
    known, numbers = set(terms(evidence)), set(_NUMBER.findall(evidence))
    worst, shares = "", []
    for sentence in answer.sentence_texts():
        bare = _MARK.sub("", sentence)
        words = set(terms(bare))
        if len(words) < 3:
            continue
        invented = set(_NUMBER.findall(bare)) - numbers
        drawn = len(words & known) / len(words) >= _DRAWN_FROM and not invented
        shares.append(drawn)
        worst = worst or ("" if drawn else sentence)
    return Grade(sum(shares) / len(shares), worst) if shares else None


def evidence_available(question: Question, answer: Answer) -> Grade:
    """The passages hold an answer: as retrieval estimated it, else by the question's words."""
    if question.documents_hold_answer is not None:
        return Grade(float(question.documents_hold_answer))
    asked = set(content_terms(question.text))
    if not asked or not question.passages:
        return Grade(0.0)
    best = max(len(asked & set(terms(passage))) / len(asked) for passage in question.passages)
    return Grade(min(0.49, best / 2) if best < 0.8 else 0.8)


RULES: dict[str, Rule] = {
    "empty": empty,
    "complies": complies,
    "fully_complies": fully_complies,
    "refuses": refuses,
    "answers_in_user_language": answers_in_user_language,
    "repetitive": repetitive,
    "grounded": grounded,
    "evidence_available": evidence_available,
}
