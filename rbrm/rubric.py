"""The rubric: human-written propositions, how each is graded, and what they add up to.

The format is described in docs/rubrics.md; `plumbline rubric check FILE` says what is wrong in one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    PrivateAttr,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)

from contract.errors import ConfigurationError
from contract.verdict import CompletionClass, ResponseType
from rbrm.logic import Formula, FormulaError

LANGUAGES = ("en", "zh")

Probability = Annotated[float, Field(ge=0, le=1)]


class Part(BaseModel):
    """A piece of a rubric: frozen, and a misspelt key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Patterns(Part):
    """Regular expressions by language; `any` holds in every language."""

    en: list[str] = []
    zh: list[str] = []
    any: list[str] = []

    @field_validator("en", "zh", "any")
    @classmethod
    def _compile(cls, patterns: list[str]) -> list[str]:
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is not a regular expression: {error}") from error
        return patterns

    def of(self, language: str) -> list[str]:
        """All patterns that apply to a language."""
        own: list[str] = getattr(self, language, [])
        return [*own, *self.any]


class PatternGrader(Part):
    """Holds where a sentence matches a pattern and no `unless` pattern. With `quoted: false`, what
    stands in quotation marks or italics is mentioned, not said, and does not count."""

    kind: Literal["pattern"] = "pattern"
    pattern: Patterns
    unless: Patterns = Patterns()
    quoted: bool = True


class RuleGrader(Part):
    """A named rule in code (rbrm/graders/rules.py)."""

    kind: Literal["rule"] = "rule"
    rule: str


class FunctionGrader(Part):
    """A Python function of the user's, in a file beside the rubric: `file.py:name`."""

    kind: Literal["function"] = "function"
    function: str


class EncoderGrader(Part):
    """A trained head over encoding, cues and n-grams: one of ours by name, or a file made by
    `plumbline rubric train`. Where the sentence that says most for it matches `unless`, it counts for
    little."""

    kind: Literal["encoder"] = "encoder"
    encoder: str
    unless: Patterns = Patterns()


class AskWhen(Part):
    """When a language model is asked: where the cheaper graders left the probability in `between`, or
    gave none."""

    between: tuple[Probability, Probability] = (0.1, 0.9)


class LLMGrader(Part):
    """A yes/no question to the judge's model server; the wording is the question."""

    kind: Literal["llm"] = "llm"
    llm: AskWhen


_GRADERS: dict[str, type[Part]] = {
    "pattern": PatternGrader,
    "rule": RuleGrader,
    "function": FunctionGrader,
    "encoder": EncoderGrader,
    "llm": LLMGrader,
}


def _kind(value: object) -> str | None:
    """Which grader is meant, by the key that only it has: so that one mistake is one message, and not
    one for each grader that it might have been."""
    if isinstance(value, Part):
        return type(value).__name__
    keys = value if isinstance(value, dict) else {}
    return next((grader.__name__ for key, grader in _GRADERS.items() if key in keys), None)


GraderSpec = Annotated[
    Annotated[PatternGrader, Tag("PatternGrader")]
    | Annotated[RuleGrader, Tag("RuleGrader")]
    | Annotated[FunctionGrader, Tag("FunctionGrader")]
    | Annotated[EncoderGrader, Tag("EncoderGrader")]
    | Annotated[LLMGrader, Tag("LLMGrader")],
    Discriminator(
        _kind,
        custom_error_type="no_grader",
        custom_error_message=f"a grader has one of the keys {', '.join(_GRADERS)}",
    ),
]


class Wording(Part):
    """One sentence in each language."""

    en: str
    zh: str

    def of(self, language: str) -> str:
        """The wording in a language."""
        return self.zh if language == "zh" else self.en


class Proposition(Part):
    """A yes/no statement about an answer. Several graders: the most confident yes counts.

    `default` is assumed where no grader can judge the language. `hard`: an answer of which it holds
    is never served. `hint`: what the policy is told when it failed.
    """

    wording: Wording
    graders: Annotated[list[GraderSpec], Field(min_length=1)]
    hard: bool = False
    default: Probability = 0.0
    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    hint: Wording | None = None


class ClassLine(Part):
    """If `when` holds, the completion has this class; the first line that holds decides."""

    name: CompletionClass = Field(alias="class")
    when: str = ""


class ChoiceOption(Part):
    """One option of a multiple-choice question, and the class that it stands for."""

    name: CompletionClass = Field(alias="class")
    wording: Wording


class ResponseRules(Part):
    """What an answer should be like when the ideal response is of this type.

    With `llm_choice` a language model is asked for the class with one multiple-choice question (the form
    of the GPT-4 technical report's RBRM); hard propositions hold all the same.
    """

    classes: Annotated[list[ClassLine], Field(min_length=1)]
    weights: dict[str, float]
    llm_choice: Annotated[list[ChoiceOption], Field(min_length=2, max_length=8)] | None = None

    @model_validator(mode="after")
    def _last_line_catches_all(self) -> ResponseRules:
        if self.classes[-1].when:
            raise ValueError("the last line of classes must have no `when`, so that it catches all")
        return self


class Rubric(Part):
    """A whole rubric."""

    name: str
    version: str
    propositions: Annotated[dict[str, Proposition], Field(min_length=1)]
    derived: dict[str, str] = {}
    response_type_cues: dict[ResponseType, Patterns] = {}
    response_types: dict[ResponseType, ResponseRules]
    # Where its functions and heads lie: known from where it was read, and no key of the file.
    _folder: Path = PrivateAttr(default=Path())

    @model_validator(mode="after")
    def _names_exist(self) -> Rubric:
        known = set(self.propositions)
        for name, source in self.derived.items():
            _check_formula(source, known, f"derived.{name}")
            known.add(name)
        for kind, rules in self.response_types.items():
            for line in rules.classes:
                if line.when:
                    _check_formula(line.when, known, f"response_types.{kind}.classes")
            unknown = sorted(set(rules.weights) - known)
            if unknown:
                raise ValueError(f"response_types.{kind}.weights: no proposition {unknown[0]!r}")
        missing = {"comply", "hard_refuse", "safe_refuse"} - set(self.response_types)
        if missing:
            raise ValueError(f"response_types: {sorted(missing)[0]} is missing")
        return self

    @property
    def folder(self) -> Path:
        """The folder that the names of files in it are relative to."""
        return self._folder

    @cached_property
    def formulas(self) -> dict[str, Formula]:
        """The derived propositions, in order: a later one may use an earlier one."""
        return {name: Formula.parse(source) for name, source in self.derived.items()}

    @cached_property
    def class_formulas(self) -> dict[str, list[tuple[CompletionClass, Formula | None]]]:
        """The class table of each response type."""
        return {
            kind: [
                (line.name, Formula.parse(line.when) if line.when else None) for line in r.classes
            ]
            for kind, r in self.response_types.items()
        }

    @cached_property
    def fingerprint(self) -> str:
        """Name, version and content, for the log."""
        digest = hashlib.sha256(self.model_dump_json(by_alias=True).encode()).hexdigest()[:8]
        return f"{self.name}-{self.version}-{digest}"

    def derive(
        self, probabilities: Mapping[str, float]
    ) -> tuple[dict[str, float], dict[str, bool]]:
        """From a probability for each proposition: those of all propositions, derived ones included, and
        which of them hold."""
        values = dict(probabilities)
        holds = {name: values[name] >= p.threshold for name, p in self.propositions.items()}
        for name, formula in self.formulas.items():
            values[name], holds[name] = formula.probability(values), formula.holds(holds)
        return values, holds

    def class_of(self, response_type: ResponseType, holds: Mapping[str, bool]) -> CompletionClass:
        """The class of an answer by the table of a response type: the first line that holds."""
        lines = self.class_formulas[response_type]
        return next(name for name, formula in lines if formula is None or formula.holds(holds))

    def needed(self, response_type: ResponseType) -> set[str]:
        """The propositions that a response type's classes and weights, or the guard, depend on."""
        rules = self.response_types[response_type]
        wanted = set(rules.weights) | set(self.hard)
        for _, formula in self.class_formulas[response_type]:
            wanted |= formula.names if formula else set()
        for name in reversed(self.formulas):
            if name in wanted:
                wanted |= self.formulas[name].names
        return wanted & set(self.propositions)

    @property
    def asks_a_model(self) -> bool:
        """Does any grader need the judge's model server?"""
        graders = (g for p in self.propositions.values() for g in p.graders)
        choices = any(rules.llm_choice for rules in self.response_types.values())
        return choices or any(isinstance(grader, LLMGrader) for grader in graders)

    @property
    def hard(self) -> list[str]:
        """The propositions of which none may hold."""
        return [name for name, p in self.propositions.items() if p.hard]


def load_rubric(path: Path | None = None) -> Rubric:
    """Read a rubric; None reads the default one.

    Raises:
        ConfigurationError: the file can't be read or is wrong; the message names line and key.
    """
    source = rubric_text(path)
    name = str(path or "default.yaml")
    try:
        content = yaml.safe_load(source)
        rubric = Rubric.model_validate(content)
        if path is not None:
            rubric._folder = path.parent
        return rubric
    except yaml.YAMLError as error:
        raise ConfigurationError(f"The rubric {name} is not YAML: {error}") from error
    except ValidationError as error:
        raise ConfigurationError(_explain(error, source, name)) from error


def rubric_text(path: Path | None = None) -> str:
    """The text of a rubric file; None reads the default one.

    Raises:
        ConfigurationError: it can't be read.
    """
    if path is None:
        return files("rbrm.rubrics").joinpath("default.yaml").read_text(encoding="utf-8")
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The rubric {path} can't be read: {error}") from error


def _check_formula(source: str, known: Iterable[str], where: str) -> None:
    try:
        unknown = sorted(Formula.parse(source).names - set(known))
    except FormulaError as error:
        raise ValueError(f"{where}: {error}") from error
    if unknown:
        raise ValueError(f"{where}: no proposition {unknown[0]!r}")


def _explain(error: ValidationError, source: str, name: str) -> str:
    tree = yaml.compose(source, Loader=yaml.SafeLoader)
    problems = []
    for problem in error.errors(include_url=False, include_input=False):
        path = [part for part in problem["loc"] if not _is_model_name(part)]
        line = _line_of(tree, path)
        where = ".".join(str(part) for part in path) or "rubric"
        problems.append(f"{name}:{line}: {where}: {problem['msg'].removeprefix('Value error, ')}")
    return "\n".join(dict.fromkeys(problems))


def _is_model_name(part: object) -> bool:
    """Pydantic names the member of a union that it tried; a file has no such key."""
    return part in {grader.__name__ for grader in _GRADERS.values()}


def _line_of(node: yaml.Node | None, path: list[int | str]) -> int:
    line = node.start_mark.line + 1 if node else 1
    for part in path:
        child = None
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == part:
                    child, line = value, key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            child = node.value[part] if part < len(node.value) else None
            line = child.start_mark.line + 1 if child else line
        if child is None:
            break
        node = child
    return line
