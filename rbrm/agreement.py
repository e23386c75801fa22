"""How far the judge and people agree: by proposition, class and language, beside the floor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import Field, model_validator

from contract.judge import JudgeRequest
from contract.verdict import CompletionClass, Verdict
from contract.wire import Wire

GOOD = ("ideal", "minimum_acceptable")
_BINS = 10


class Labels(Wire):
    """What a person said of one answer; what is left out was not asked."""

    propositions: dict[str, bool] = {}
    name: CompletionClass | None = Field(None, alias="class")


class LabelledLine(JudgeRequest):
    """A line of `plumbline judge` with people's labels: `labels` for each answer in order, or, for one
    answer, `propositions` (and `class`) beside it as in the public gold set."""

    labels: list[Labels] = []
    propositions: dict[str, bool] | None = None
    name: CompletionClass | None = Field(None, alias="class")
    category: Any = None

    @model_validator(mode="before")
    @classmethod
    def _response_type_in_any_words(cls, data: Any) -> Any:
        """The gold set writes `Hard Refuse` and `Safe Refuse 2`."""
        if isinstance(data, dict) and isinstance(data.get("response_type"), str):
            words = data["response_type"].lower().rstrip(" 12").replace(" ", "_")
            return data | {"response_type": words}
        return data

    @property
    def people(self) -> list[Labels]:
        """The labels of each answer."""
        if self.labels:
            return self.labels
        return [
            Labels.model_validate({"propositions": self.propositions or {}, "class": self.name})
        ]


@dataclass(frozen=True)
class Opinion:
    """One judgement beside one label: a proposition's probability and what a person said."""

    proposition: str
    language: str
    probability: float
    label: bool


@dataclass(frozen=True)
class Report:
    """Everything that `rubric agree` prints, writes and draws."""

    propositions: Mapping[str, Mapping[str, float]]
    languages: Mapping[str, Mapping[str, float]]
    overall: Mapping[str, float]
    classes: Mapping[str, float]
    confusion: Mapping[str, Mapping[str, int]]
    reliability: Sequence[Mapping[str, float]]
    skipped: int

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "overall": dict(self.overall),
            "classes": dict(self.classes),
            "propositions": {n: dict(f) for n, f in self.propositions.items()},
            "languages": {n: dict(f) for n, f in self.languages.items()},
            "confusion": {n: dict(f) for n, f in self.confusion.items()},
            "reliability": [dict(row) for row in self.reliability],
            "skipped_lines": self.skipped,
        }


def opinions(verdict: Verdict, labels: Labels) -> Iterable[Opinion]:
    """The propositions on which both the judge and a person have something to say."""
    for name, label in labels.propositions.items():
        if name in verdict.propositions:
            yield Opinion(name, verdict.language, verdict.propositions[name], label)


def report(found: Sequence[Opinion], classes: Sequence[tuple[str, str]], skipped: int) -> Report:
    """Figures of all opinions, and of pairs (people's class, judge's class)."""
    names = sorted({o.proposition for o in found})
    by_name = {n: figures([o for o in found if o.proposition == n]) for n in names}
    languages = sorted({o.language for o in found})
    scored = [f for f in by_name.values() if f["positives"]]
    overall = figures(found) if found else {}
    if scored:
        overall = overall | {
            "macro_balanced_accuracy": _mean(scored, "balanced_accuracy"),
            "macro_f1": _mean(scored, "f1"),
            "macro_floor_balanced_accuracy": 0.5,
        }
    confusion = {
        truth: dict(Counter(guess for t, guess in classes if t == truth))
        for truth in dict.fromkeys(t for t, _ in classes)
    }
    return Report(
        by_name,
        {n: figures([o for o in found if o.language == n]) for n in languages},
        overall,
        _class_figures(classes),
        confusion,
        reliability(found),
        skipped,
    )


def figures(found: Sequence[Opinion]) -> dict[str, float]:
    """Accuracy, balanced accuracy, F1, expected calibration error, and the floor: always saying what is
    more common."""
    truth = np.asarray([o.label for o in found])
    guess = np.asarray([o.probability >= 0.5 for o in found])
    positives, negatives = int(truth.sum()), int((~truth).sum())
    hits, passes = int((truth & guess).sum()), int((~truth & ~guess).sum())
    recalls = [hits / positives] if positives else []
    recalls += [passes / negatives] if negatives else []
    values = {
        "answers": len(found),
        "positives": positives,
        "accuracy": float((truth == guess).mean()),
        "balanced_accuracy": float(np.mean(recalls)),
        "f1": 2 * hits / max(1, positives + int(guess.sum())),
        "ece": calibration_error(found),
        "floor_accuracy": max(positives, negatives) / len(found),
    }
    return {name: round(value, 4) for name, value in values.items()}


def calibration_error(found: Sequence[Opinion]) -> float:
    """Expected calibration error over ten bins of equal width (Guo et al. 2017)."""
    return sum(
        row["answers"] / len(found) * abs(row["predicted"] - row["observed"])
        for row in reliability(found)
    )


def reliability(found: Sequence[Opinion]) -> list[dict[str, float]]:
    """For each bin of predicted probability that is not empty, how often people said yes."""
    rows = []
    for number in range(_BINS):
        low, high = number / _BINS, (number + 1) / _BINS
        inside = [
            o
            for o in found
            if low <= o.probability < high or (number == _BINS - 1 and o.probability == 1)
        ]
        if inside:
            rows.append(
                {
                    "answers": len(inside),
                    "predicted": round(float(np.mean([o.probability for o in inside])), 4),
                    "observed": round(float(np.mean([o.label for o in inside])), 4),
                }
            )
    return rows


def _class_figures(classes: Sequence[tuple[str, str]]) -> dict[str, float]:
    if not classes:
        return {}
    truth = [t for t, _ in classes]
    good = [t in GOOD for t in truth]
    return {
        "answers": len(classes),
        "accuracy": round(float(np.mean([t == g for t, g in classes])), 4),
        "floor_accuracy": round(max(Counter(truth).values()) / len(truth), 4),
        "good_or_bad": round(float(np.mean([(t in GOOD) == (g in GOOD) for t, g in classes])), 4),
        "floor_good_or_bad": round(float(max(np.mean(good), 1 - np.mean(good))), 4),
    }


def _mean(rows: Sequence[Mapping[str, float]], key: str) -> float:
    return round(float(np.mean([row[key] for row in rows])), 4)
