"""Where the lines of the report's plots stand; the template draws them as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from contract.evaluation import Metric
from training.evaluation.wording import better_or_worse, shown_interval

# Of a plot's area, in pixels.
WIDTH, ROW, HEIGHT = 420, 20, 160
_BINS = 24
_LEAST_SCALE = 1e-6


@dataclass(frozen=True)
class Whisker:
    """An interval as a line from `low` to `high` with a dot at `mean`, at height `y`; in pixels."""

    name: str
    shown: str
    word: str
    y: float
    low: float
    mean: float
    high: float


@dataclass(frozen=True)
class Forest:
    """Intervals above each other around a line at zero, and where the scale has its ticks."""

    whiskers: Sequence[Whisker]
    zero: float
    height: float
    ticks: Sequence[tuple[float, str]]


@dataclass(frozen=True)
class Bar:
    """One bin of a histogram: how many of a and of b, as heights in pixels."""

    x: float
    width: float
    a: float
    b: float


@dataclass(frozen=True)
class Histogram:
    """Two distributions on one axis, from `low` to `high`."""

    bars: Sequence[Bar]
    low: float
    high: float
    most: int


def forest(metrics: Sequence[Metric], *, common: bool) -> Forest:
    """Differences with their intervals, on a common scale or each on its own."""
    reaches = [max(abs(m.difference.low), abs(m.difference.high)) for m in metrics if m.difference]
    widest = max([*reaches, _LEAST_SCALE])
    whiskers = []
    for place, metric in enumerate(metrics):
        assert metric.difference is not None
        scale = widest if common else max(reaches[place], _LEAST_SCALE)
        low, mean, high = (
            WIDTH / 2 * (1 + 0.95 * value / scale)
            for value in (metric.difference.low, metric.difference.mean, metric.difference.high)
        )
        y = ROW * (place + 0.7)
        word = better_or_worse(metric)
        whiskers.append(Whisker(metric.name, shown_interval(metric), word, y, low, mean, high))
    ends = (-widest, -widest / 2, 0.0, widest / 2, widest)
    ticks = [(WIDTH / 2 * (1 + 0.95 * v / widest), f"{v:+.2f}" if v else "0") for v in ends]
    return Forest(whiskers, WIDTH / 2, ROW * (len(metrics) + 0.4), ticks if common else [])


def share_bar(metric: Metric) -> Whisker:
    """A share between 0 and 1 with its interval."""
    assert metric.difference is not None
    low, mean, high = (
        WIDTH * value
        for value in (metric.difference.low, metric.difference.mean, metric.difference.high)
    )
    word = better_or_worse(metric)
    return Whisker(metric.name, shown_interval(metric), word, ROW * 0.7, low, mean, high)


def histogram(a: Sequence[float], b: Sequence[float]) -> Histogram:
    """How often rewards of both policies fall into each of some bins."""
    low, high = float(min(*a, *b)), float(max(*a, *b))
    if high - low < _LEAST_SCALE:
        low, high = low - 0.5, high + 0.5
    of_a, _ = np.histogram(a, bins=_BINS, range=(low, high))
    of_b, _ = np.histogram(b, bins=_BINS, range=(low, high))
    most = int(max(of_a.max(), of_b.max(), 1))
    width = WIDTH / _BINS
    bars = [
        Bar(n * width, width, HEIGHT * float(x) / most, HEIGHT * float(y) / most)
        for n, (x, y) in enumerate(zip(of_a, of_b, strict=True))
    ]
    return Histogram(bars, low, high, most)
