"""The named rules, and rules of your own.

A rule is a function from question and answer to a Grade, or None where it can't judge. Writing one here
and naming it in a rubric is all that a new rule takes; outside this tree a rubric names a function in a
file of its own (`function: my_rules.py:names_a_rival`).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

from contract.errors import ConfigurationError
from rbrm.answer import Answer, Grade, Question
from rbrm.graders.compliance import complies, fully_complies, refuses
from rbrm.graders.form import (
    answers_in_user_language,
    constraints_met,
    empty,
    format_as_asked,
    repetitive,
    too_long,
    too_short,
)
from rbrm.graders.grounding import (
    citations_valid,
    evidence_available,
    grounded,
    personal_data_leak,
    prompt_injection_followed,
)
from rbrm.graders.honesty import accepts_false_premise, hedges_despite_evidence

Rule = Callable[[Question, Answer], Grade | None]

RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        accepts_false_premise,
        answers_in_user_language,
        citations_valid,
        complies,
        constraints_met,
        empty,
        evidence_available,
        format_as_asked,
        fully_complies,
        grounded,
        hedges_despite_evidence,
        personal_data_leak,
        prompt_injection_followed,
        refuses,
        repetitive,
        too_long,
        too_short,
    )
}


def load_function(reference: str, folder: Path) -> Rule:
    """A rule from a Python file beside the rubric: `file.py:name`.

    The function gets the question and the answer as strings and returns True, False, a probability, or
    None where it can't judge.

    Raises:
        ConfigurationError: there is no such file or function, or the file does not run.
    """
    name, _, function = reference.partition(":")
    path = folder / name
    if not function or path.suffix != ".py":
        raise ConfigurationError(f"function {reference!r}: write it as file.py:name")
    if not path.is_file():
        raise ConfigurationError(f"function {reference!r}: there is no file {path}")
    spec = importlib.util.spec_from_file_location(f"rubric_functions.{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ConfigurationError(
            f"function {reference!r}: {path} does not run: {error!r}"
        ) from error
    found = getattr(module, function, None)
    if not callable(found):
        raise ConfigurationError(f"function {reference!r}: {path} has no function {function!r}")
    return _as_rule(found, reference)


def _as_rule(function: Callable[[str, str], Any], reference: str) -> Rule:
    def rule(question: Question, answer: Answer) -> Grade | None:
        try:
            value = function(question.text, answer.text)
            if value is None:
                return None
            probability = float(value)
        except Exception as error:
            raise ValueError(f"the rubric's function {reference!r} failed: {error!r}") from error
        if not 0 <= probability <= 1:
            raise ValueError(f"function {reference!r} returned {value!r}, which is no probability")
        return Grade(probability)

    return rule
