"""An evaluation on the terminal."""

from __future__ import annotations

from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from contract.evaluation import Evaluation, Metric
from training.evaluation.wording import (
    better_or_worse,
    judge_note,
    number,
    shown_interval,
)

_STYLES = {"better": "green", "worse": "red", "": ""}


def show(evaluation: Evaluation, folder: Path, console: Console | None = None) -> None:
    """Print what was measured, with flags and notes."""
    out = console or Console()
    a, b = evaluation.a.name, evaluation.b.name
    title = Text(f"{b} (B) against {a} (A), {evaluation.prompts} prompts")
    table = Table(title=title, box=SIMPLE_HEAD, pad_edge=False, title_justify="left")
    table.add_column("", overflow="fold")
    for name in ("A", "B", "B − A, 95 %", "n", ""):
        table.add_column(name, justify="right", no_wrap=True)
    for metric in evaluation.metrics:
        if _is_shown(metric):
            table.add_row(*_row(metric))
    out.print(table)
    if evaluation.judged_by_training_reward:
        out.print(Text(judge_note(evaluation), style="bold yellow"))
    for flag in evaluation.flags:
        out.print(Text(f"{flag.kind}: {flag.message}", style="bold red"))
    out.print(Text(f"Written to {folder}: evaluation.json and report.html"))


def _is_shown(metric: Metric) -> bool:
    """There are many propositions; of those the ones that chance does not explain."""
    if metric.name.startswith("proposition/"):
        return bool(better_or_worse(metric))
    return bool(metric.count) and not metric.name.startswith("neutral/")


def _row(metric: Metric) -> list[Text]:
    word = better_or_worse(metric)
    cells = (
        metric.name,
        number(metric.a),
        number(metric.b),
        shown_interval(metric),
        str(metric.count),
        word,
    )
    return [Text(cell, style=_STYLES[word]) for cell in cells]
