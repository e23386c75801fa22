"""The curves of a run: every figure that was logged, once for each step, as pictures and as numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from contract.files import put_in_place, write_atomically

Curves = dict[str, list[tuple[int, float]]]

# What the trainer logs for itself.
_LEFT_OUT = (
    "epoch", "step", "step_time", "num_tokens", "total_flos", "train_", "eval_runtime", "eval_samples",
    "eval_steps", "eval_num_tokens", "clip_ratio", "sampling/",
)  # fmt: skip
_COLUMNS = 3
_SMOOTHED_FROM = 40


def curves_of(history: Sequence[Mapping[str, Any]]) -> Curves:
    """Steps and values of each figure, by name; a step that was logged twice counts once, by its last."""
    found: dict[str, dict[int, float]] = {}
    for entry in history:
        for name, value in entry.items():
            if name.startswith(_LEFT_OUT) or not isinstance(value, int | float):
                continue
            if math.isfinite(value):
                found.setdefault(name, {})[int(entry["step"])] = float(value)
    return {name: sorted(points.items()) for name, points in found.items()}


def final_metrics(curves: Curves) -> dict[str, float]:
    """The last value of every curve."""
    return {name: points[-1][1] for name, points in sorted(curves.items())}


def write_curves(curves: Curves, folder: Path) -> None:
    """Write `curves.png` and `curves.json`."""
    content = json.dumps(curves, ensure_ascii=False)
    write_atomically(folder / "curves.json", (content + "\n").encode())
    draft = folder / ".curves.png"
    _draw(curves, draft)
    put_in_place(draft, folder / "curves.png")


def _draw(curves: Curves, path: Path) -> None:
    # The figure is made without pyplot, whose state belongs to the whole process.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = max(1, math.ceil(len(curves) / _COLUMNS))
    figure = Figure(figsize=(4.2 * _COLUMNS, 2.6 * rows))
    FigureCanvasAgg(figure)
    # Margins by hand, in inches: matplotlib's own layouts take ten seconds for thirty curves.
    height = 2.6 * rows
    figure.subplots_adjust(
        left=0.05, right=0.99, top=1 - 0.35 / height, bottom=0.35 / height, hspace=0.4, wspace=0.2
    )
    for place, (name, points) in enumerate(sorted(curves.items()), 1):
        axes = figure.add_subplot(rows, _COLUMNS, place)
        steps, values = [p[0] for p in points], [p[1] for p in points]
        many = len(points) >= _SMOOTHED_FROM
        axes.plot(steps, values, marker="" if many else ".", alpha=0.35 if many else 1.0)
        if many:
            axes.plot(steps, _smoothed(values), color="C0")
        axes.set_title(name, fontsize=9, y=1.0)
        axes.locator_params(nbins=4)
        axes.tick_params(labelsize=7)
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=90, format="png")


def _smoothed(values: Sequence[float]) -> list[float]:
    """A running mean over a twentieth of the curve."""
    width = max(1, len(values) // 20)
    return [
        sum(values[max(0, i - width) : i + 1]) / (i + 1 - max(0, i - width))
        for i in range(len(values))
    ]
