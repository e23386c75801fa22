"""The report for people: one HTML file that needs no network, and in which all text is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined

from contract.evaluation import Metric
from training.evaluation.drawing import forest, histogram, share_bar
from training.evaluation.evaluate import Outcome
from training.evaluation.judged import Judged
from training.evaluation.wording import (
    EVEN,
    better_or_worse,
    judge_note,
    number,
    shown_interval,
)

_EXAMPLES = 5
# What does not lie between −1 and 1, and is drawn on a scale of its own.
_UNBOUNDED = ("reward", "reward/rm", "reward/rules", "length", "perplexity", "bits_per_byte")


@dataclass(frozen=True)
class Example:
    """Both answers to a prompt; `margin` is how clearly b is better (or worse)."""

    question: str
    reference: str
    margin: str
    a: Judged
    b: Judged


def render(outcome: Outcome) -> str:
    """The report as HTML."""
    evaluation = outcome.evaluation
    measured = [m for m in evaluation.metrics if m.count]
    paired = [m for m in measured if m.difference and m.a is not None]
    shares = [m for m in paired if m.name not in _UNBOUNDED and not _is_neutral(m)]
    others = [m for m in paired if m.name in _UNBOUNDED]
    # Autoescape is on for everything: questions and answers are strangers' text.
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    source = files("training.evaluation").joinpath("report.html").read_text(encoding="utf-8")
    return environment.from_string(source).render(
        e=evaluation,
        rows=[_row(m) for m in measured if not _is_neutral(m)],
        neutral=[_row(m) for m in measured if _is_neutral(m)],
        unmeasured=[m.name for m in evaluation.metrics if not m.count],
        wins=[(m, share_bar(m)) for m in measured if m.name in EVEN and m.difference],
        forest=forest(shares, common=True),
        own_scale=forest(others, common=False),
        histogram=histogram(
            [p.a.verdict.reward for p in outcome.pairs],
            [p.b.verdict.reward for p in outcome.pairs],
        ),
        held_out=", ".join(outcome.held_out),
        note=judge_note(evaluation) if evaluation.judged_by_training_reward else "",
        won=_examples(outcome, won=True),
        lost=_examples(outcome, won=False),
    )


def _is_neutral(metric: Metric) -> bool:
    return metric.name.startswith("neutral/")


def _row(metric: Metric) -> dict[str, Any]:
    return {
        "name": metric.name,
        "a": number(metric.a),
        "b": number(metric.b),
        "difference": shown_interval(metric),
        "count": metric.count,
        "word": better_or_worse(metric),
    }


def _examples(outcome: Outcome, *, won: bool) -> Sequence[Example]:
    """Where b won, or lost, most clearly."""
    both = zip(outcome.pairs, outcome.preferences, strict=True)
    found = [(pair, p) for pair, p in both if (p.score > 0.5 if won else p.score < 0.5)]
    found.sort(key=lambda item: (-abs(item[1].margin), item[0].prompt.key))
    return [
        Example(pair.prompt.question, pair.prompt.reference, f"{p.margin:+.2f}", pair.a, pair.b)
        for pair, p in found[:_EXAMPLES]
    ]
