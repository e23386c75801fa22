"""The form in which questions are compared, by language."""

from __future__ import annotations

from dataclasses import dataclass

from text.questions.chinese import chinese_forms
from text.questions.english import english_forms
from text.questions.normal import normal_form

# Counted up with every change of the rules: forms that earlier ones made are made anew.
RULES = 1


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as others are compared with it.

    Attributes:
        normal: equal for what is written alike.
        forms: two questions that share one ask the same, as far as rules can tell; empty where none can.
    """

    normal: str
    forms: frozenset[str]


def asked_as(question: str, language: str) -> Asked:
    """How a question is compared."""
    normal = normal_form(question)
    found = chinese_forms(normal) if language == "zh" else english_forms(question)
    return Asked(normal, frozenset(found))
