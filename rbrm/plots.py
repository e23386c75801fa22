"""Plots of fits and agreements, as PNG files. No display is needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def plot_classes(rewards: Mapping[str, Mapping[str, Sequence[float]]], path: Path) -> None:
    """The reward of each class of answers, one panel for each response type."""
    figure, axes = _figure(len(rewards))
    for axis, (kind, by_class) in zip(axes, rewards.items(), strict=True):
        axis.boxplot(list(by_class.values()), tick_labels=[n.replace("_", "\n") for n in by_class])
        axis.set_title(kind)
        axis.set_ylabel("reward")
        axis.axhline(0, linewidth=0.5, color="grey")
    _save(figure, path)


def plot_reliability(rows: Sequence[Mapping[str, float]], path: Path) -> None:
    """Predicted probability against how often people said yes; the area of a dot is its answers."""
    figure, (axis,) = _figure(1)
    axis.plot([0, 1], [0, 1], linewidth=0.5, color="grey")
    most = max(row["answers"] for row in rows)
    axis.scatter(
        [row["predicted"] for row in rows],
        [row["observed"] for row in rows],
        s=[10 + 190 * row["answers"] / most for row in rows],
    )
    axis.set_xlabel("predicted probability")
    axis.set_ylabel("share of yes by people")
    axis.set_title("reliability")
    _save(figure, path)


def _figure(panels: int) -> tuple[Any, Sequence[Any]]:
    # Late on purpose: importing matplotlib takes a second, and most commands draw nothing.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5 * panels, 4), layout="constrained")
    return figure, list(figure.subplots(1, panels, squeeze=False)[0])


def _save(figure: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="png", dpi=120)
