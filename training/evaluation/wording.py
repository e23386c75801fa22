"""How figures are said, on the terminal and in the report."""

from __future__ import annotations

from contract.evaluation import Evaluation, Metric

# Shares of wins by themselves: half is even.
EVEN = ("win_rate", "human_win_rate")
# Of which neither more nor less is better.
_UNDIRECTED = ("neutral/", "class/ok")


def number(value: float | None) -> str:
    """A figure, or a dash."""
    if value is None:
        return "–"
    return f"{value:.1f}" if abs(value) >= 100 else f"{value:.3f}"


def shown_interval(metric: Metric) -> str:
    """The difference with its interval; a share of wins bears no sign."""
    found = metric.difference
    if found is None:
        return "–"
    sign = "" if metric.a is None and metric.b is None else "+"
    return f"{found.mean:{sign}.3f} [{found.low:{sign}.3f}, {found.high:{sign}.3f}]"


def better_or_worse(metric: Metric) -> str:
    """`better` or `worse` for b, where that is no matter of chance; else nothing."""
    found = metric.difference
    if found is None or metric.name.startswith(_UNDIRECTED):
        return ""
    if metric.name in EVEN:
        return "better" if found.low > 0.5 else "worse" if found.high < 0.5 else ""
    if metric.a is None and metric.b is None:
        return ""
    return "better" if metric.is_better else "worse" if metric.is_worse else ""


def judge_note(evaluation: Evaluation) -> str:
    """What to think of a win rate by the training reward."""
    return (
        "The win rate is by the reward that the judge in service gives, which candidates are trained to raise: "
        f"it can't show that {evaluation.b.name} is better. Give --judge-url, or --judge-reward-model with one "
        "that was trained on another split."
    )
