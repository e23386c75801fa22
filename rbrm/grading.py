"""All graders of a rubric over one batch of answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from contract.errors import ConfigurationError
from rbrm.answer import Answer, Grade, Question
from rbrm.graders.pattern import PatternMatcher
from rbrm.graders.rules import RULES
from rbrm.heads import Heads
from rbrm.rubric import (
    LANGUAGES,
    EncoderGrader,
    GraderSpec,
    PatternGrader,
    Proposition,
    RuleGrader,
    Rubric,
)


class Grading:
    """Built once for a rubric; a grader that does not exist is an error here, not at an answer.

    Raises:
        ConfigurationError: a rule or head is unknown, or a hard proposition can't be judged in one
            of our languages (it could then never block anything).
    """

    def __init__(self, rubric: Rubric, heads: Heads) -> None:
        self._propositions = rubric.propositions
        self._matchers: dict[int, PatternMatcher] = {}
        for name, proposition in rubric.propositions.items():
            for spec in proposition.graders:
                self._prepare(name, spec, heads)
        for name in rubric.hard:
            for language in LANGUAGES:
                if name in unjudged(rubric, language):
                    raise ConfigurationError(
                        f"The hard proposition {name!r} has no grader for {language!r}. Give it "
                        "patterns for that language, or make it not hard."
                    )

    def grade(
        self, question: Question, answer: Answer, heads: Mapping[str, float]
    ) -> dict[str, Grade]:
        """The grade of each proposition that can be judged for this answer."""
        grades: dict[str, Grade] = {}
        for name, proposition in self._propositions.items():
            found = [
                grade
                for spec in proposition.graders
                if (grade := self._one(spec, question, answer, heads)) is not None
            ]
            if found:
                grades[name] = max(found, key=lambda grade: grade.probability)
        return grades

    def _prepare(self, name: str, spec: GraderSpec, heads: Heads) -> None:
        if isinstance(spec, PatternGrader):
            self._matchers[id(spec)] = PatternMatcher(spec)
        elif isinstance(spec, RuleGrader):
            if spec.rule not in RULES:
                known = ", ".join(sorted(RULES))
                raise ConfigurationError(f"{name}: there is no rule {spec.rule!r}. Known: {known}.")
        elif spec.encoder not in heads.names:
            known = ", ".join(sorted(heads.names))
            raise ConfigurationError(f"{name}: there is no head {spec.encoder!r}. Known: {known}.")

    def _one(
        self, spec: GraderSpec, question: Question, answer: Answer, heads: Mapping[str, float]
    ) -> Grade | None:
        if isinstance(spec, PatternGrader):
            return self._matchers[id(spec)].grade(answer)
        if isinstance(spec, RuleGrader):
            return RULES[spec.rule](question, answer)
        return Grade(heads[spec.encoder]) if spec.encoder in heads else None


def unjudged(rubric: Rubric, language: str) -> list[str]:
    """The propositions that no grader can judge in a language."""
    return [n for n, p in rubric.propositions.items() if not _judges(p, language)]


def _judges(proposition: Proposition, language: str) -> bool:
    return any(language in languages_of(spec) for spec in proposition.graders)


def languages_of(spec: GraderSpec) -> Sequence[str]:
    """The languages that a grader can judge. The embedded encoder reads no Chinese."""
    if isinstance(spec, PatternGrader):
        return sorted(PatternMatcher(spec).languages)
    return ("en",) if isinstance(spec, EncoderGrader) else LANGUAGES
