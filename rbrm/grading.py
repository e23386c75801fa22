"""All graders of a rubric over one answer, the cheap ones first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from contract.errors import ConfigurationError
from rbrm.answer import Answer, Grade, Question
from rbrm.graders.pattern import PatternMatcher, compile_patterns
from rbrm.graders.rules import RULES, load_function
from rbrm.heads import HeadGrade
from rbrm.rubric import (
    LANGUAGES,
    EncoderGrader,
    FunctionGrader,
    GraderSpec,
    LLMGrader,
    PatternGrader,
    Proposition,
    Rubric,
    RuleGrader,
)

# What a head's probability comes down to where a pattern excuses the sentence behind it.
_EXCUSED = 0.3

Heads = Mapping[str, HeadGrade]
Grader = Callable[[Question, Answer, Heads], Grade | None]


@dataclass(frozen=True, slots=True)
class KnownHeads:
    """The heads that exist, by name, and the languages that each can judge."""

    languages: Mapping[str, tuple[str, ...]]


class Grading:
    """Built once for a rubric; a grader that does not exist is an error here, not at an answer.

    Raises:
        ConfigurationError: a rule, function or head is unknown, or a hard proposition can't be judged in
            one of our languages (it could then never block anything).
    """

    def __init__(self, rubric: Rubric, heads: KnownHeads) -> None:
        self._graders: dict[str, list[Grader]] = {}
        self._ask_between: dict[str, tuple[float, float]] = {}
        for name, proposition in rubric.propositions.items():
            cheap = [s for s in proposition.graders if not isinstance(s, LLMGrader)]
            self._graders[name] = [_grader(name, spec, rubric, heads) for spec in cheap]
            for spec in proposition.graders:
                if isinstance(spec, LLMGrader):
                    self._ask_between[name] = spec.llm.between
        for name in rubric.hard:
            for language in LANGUAGES:
                if name in unjudged(rubric, language, heads):
                    raise ConfigurationError(
                        f"The hard proposition {name!r} has no grader for {language!r}. Give it "
                        "patterns for that language, or make it not hard."
                    )

    def grade(
        self,
        question: Question,
        answer: Answer,
        heads: Heads,
        settled: Mapping[str, Grade] | None = None,
        only: Iterable[str] | None = None,
    ) -> dict[str, Grade]:
        """The grade of each proposition, or of `only` those named, that can be judged for this answer;
        what is `settled` already is not graded again."""
        known = settled or {}
        grades = {
            name: known.get(name) or self.grade_one(name, question, answer, heads)
            for name in (self._graders if only is None else only)
        }
        return {name: grade for name, grade in grades.items() if grade}

    def grade_one(
        self, name: str, question: Question, answer: Answer, heads: Heads
    ) -> Grade | None:
        """The grade of one proposition: of several graders the most confident yes. None where none can
        judge, or the rubric has no such proposition."""
        graders = self._graders.get(name, [])
        found = [g for grader in graders if (g := grader(question, answer, heads))]
        return max(found, key=lambda grade: grade.probability, default=None)

    def open(self, grades: Mapping[str, Grade], needed: set[str]) -> list[str]:
        """The needed propositions on which a language model is to be asked."""
        return [
            name
            for name, (low, high) in self._ask_between.items()
            if name in needed and (name not in grades or low <= grades[name].probability <= high)
        ]


def unjudged(rubric: Rubric, language: str, heads: KnownHeads) -> list[str]:
    """The propositions that no grader can judge in a language."""
    return [n for n, p in rubric.propositions.items() if not _judges(p, language, heads)]


def languages_of(spec: GraderSpec, heads: KnownHeads) -> tuple[str, ...]:
    """The languages that a grader can judge."""
    if isinstance(spec, PatternGrader):
        return tuple(sorted(PatternMatcher(spec).languages))
    if isinstance(spec, EncoderGrader):
        return heads.languages.get(spec.encoder, ())
    return LANGUAGES


def _judges(proposition: Proposition, language: str, heads: KnownHeads) -> bool:
    return any(language in languages_of(spec, heads) for spec in proposition.graders)


def _grader(name: str, spec: GraderSpec, rubric: Rubric, heads: KnownHeads) -> Grader:
    if isinstance(spec, PatternGrader):
        matcher = PatternMatcher(spec)
        return lambda question, answer, read: matcher.grade(answer)
    if isinstance(spec, RuleGrader):
        if spec.rule not in RULES:
            raise _unknown(name, "rule", spec.rule, sorted(RULES))
        rule = RULES[spec.rule]
        return lambda question, answer, read: rule(question, answer)
    if isinstance(spec, FunctionGrader):
        function = load_function(spec.function, rubric.folder)
        return lambda question, answer, read: function(question, answer)
    assert isinstance(spec, EncoderGrader)
    if spec.encoder not in heads.languages:
        raise _unknown(name, "encoder", spec.encoder, sorted(heads.languages))
    head, excuse = spec.encoder, compile_patterns(spec.unless)
    return lambda question, answer, read: _read(read.get(head), excuse)


def _read(found: HeadGrade | None, excuse: re.Pattern[str] | None) -> Grade | None:
    if found is None:
        return None
    if excuse is not None and found.cause and excuse.search(found.cause):
        return Grade(min(found.probability, _EXCUSED))
    return Grade(found.probability, found.cause)


def _unknown(name: str, kind: str, wanted: str, known: list[str]) -> ConfigurationError:
    return ConfigurationError(f"{name}: there is no {kind} {wanted!r}. Known: {', '.join(known)}.")
