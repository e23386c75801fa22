"""An evaluation on the terminal."""

from __future__ import annotations

from pathlib import Path

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
    table = Table(title=Text(f"{b} against {a}, {evaluation.prompts} prompts"))
    table.add_column("")
    for name in (f"A  {a}", f"B  {b}", "B − A, 95 %", "n", ""):
        table.add_column(Text(name), justify="right")
    for metric in evaluation.metrics:
        if metric.count and not metric.name.startswith("neutral/"):
            table.add_row(*_row(metric))
    out.print(table)
    if evaluation.judged_by_training_reward:
        out.print(Text(judge_note(evaluation), style="bold yellow"))
    for flag in evaluation.flags:
        out.print(Text(f"{flag.kind}: {flag.message}", style="bold red"))
    out.print(Text(f"Written to {folder}: evaluation.json and report.html"))


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
