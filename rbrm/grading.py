"""All graders of a rubric over one answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from contract.errors import ConfigurationError
from rbrm.answer import Answer, Grade, Question
from rbrm.graders.pattern import PatternMatcher
from rbrm.graders.rules import RULES
from rbrm.heads import Heads
from rbrm.ngrams import NgramHeads
from rbrm.rubric import (
    LANGUAGES,
    EncoderGrader,
    GraderSpec,
    NgramGrader,
    PatternGrader,
    Proposition,
    Rubric,
    RuleGrader,
)


@dataclass(frozen=True, slots=True)
class Readings:
    """What the trained heads read in one answer, by name; empty where they can't read it."""

    encoder: Mapping[str, float]
    ngram: Mapping[str, Grade]


Grader = Callable[[Question, Answer, Readings], Grade | None]

# The embedded encoder reads English, the n-gram heads were made for Chinese, a rule in code decides
# for itself and a pattern judges the languages that it has patterns for.
_TRAINED_LANGUAGES = {"encoder": ("en",), "ngram": ("zh",)}


class Grading:
    """Built once for a rubric; a grader that does not exist is an error here, not at an answer.

    Raises:
        ConfigurationError: a rule or head is unknown, or a hard proposition can't be judged in one
            of our languages (it could then never block anything).
    """

    def __init__(self, rubric: Rubric, heads: Heads, ngram_heads: NgramHeads) -> None:
        known = {
            "rule": sorted(RULES),
            "encoder": sorted(heads.names),
            "ngram": sorted(ngram_heads.names),
        }
        self._graders = {
            name: [_grader(name, spec, known) for spec in proposition.graders]
            for name, proposition in rubric.propositions.items()
        }
        for name in rubric.hard:
            for language in LANGUAGES:
                if name in unjudged(rubric, language):
                    raise ConfigurationError(
                        f"The hard proposition {name!r} has no grader for {language!r}. Give it "
                        "patterns for that language, or make it not hard."
                    )

    def grade(self, question: Question, answer: Answer, readings: Readings) -> dict[str, Grade]:
        """The grade of each proposition that can be judged for this answer: of several graders the
        most confident yes."""
        grades: dict[str, Grade] = {}
        for name, graders in self._graders.items():
            found = [g for grader in graders if (g := grader(question, answer, readings))]
            if found:
                grades[name] = max(found, key=lambda grade: grade.probability)
        return grades


def unjudged(rubric: Rubric, language: str) -> list[str]:
    """The propositions that no grader can judge in a language."""
    return [n for n, p in rubric.propositions.items() if not _judges(p, language)]


def languages_of(spec: GraderSpec) -> tuple[str, ...]:
    """The languages that a grader can judge."""
    if isinstance(spec, PatternGrader):
        return tuple(sorted(PatternMatcher(spec).languages))
    return _TRAINED_LANGUAGES.get(spec.kind, LANGUAGES)


def _judges(proposition: Proposition, language: str) -> bool:
    return any(language in languages_of(spec) for spec in proposition.graders)


def _grader(name: str, spec: GraderSpec, known: Mapping[str, list[str]]) -> Grader:
    if isinstance(spec, PatternGrader):
        matcher = PatternMatcher(spec)
        return lambda question, answer, readings: matcher.grade(answer)
    wanted = _wanted(spec)
    if wanted not in known[spec.kind]:
        raise ConfigurationError(
            f"{name}: there is no {spec.kind} {wanted!r}. Known: {', '.join(known[spec.kind])}."
        )
    if isinstance(spec, RuleGrader):
        rule = RULES[wanted]
        return lambda question, answer, readings: rule(question, answer)
    if isinstance(spec, NgramGrader):
        return lambda question, answer, readings: readings.ngram.get(wanted)
    return lambda question, answer, readings: (
        Grade(readings.encoder[wanted]) if wanted in readings.encoder else None
    )


def _wanted(spec: RuleGrader | EncoderGrader | NgramGrader) -> str:
    if isinstance(spec, RuleGrader):
        return spec.rule
    return spec.encoder if isinstance(spec, EncoderGrader) else spec.ngram
