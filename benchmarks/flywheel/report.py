"""What the turns came to: figures with their bounds, tables and plots, and docs/flywheel.md."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import matplotlib

from benchmarks.flywheel.plan import WHOLE
from benchmarks.flywheel.turn import Outcome, Round
from benchmarks.report import made_by, put, table
from contract.evaluation import Evaluation, Metric
from contract.intervals import Z
from training.evaluation.intervals import share_difference

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

DOCUMENT = Path(__file__).parents[2] / "docs" / "flywheel.md"
PLOTS = DOCUMENT.parent / "flywheel"

# Name, value, and whether it holds.
Figure = tuple[str, str, bool]

LEAST_ACCURACY = 0.75
MOST_MINUTES = 20.0
MOST_SECONDS_TO_SERVE = 5.0


def figures(outcome: Outcome) -> list[Figure]:
    """The figures of one seed. The reward must rise in every turn; what the rater dislikes must be halved in the
    first and fall on in the others."""
    minutes = outcome.seconds / 60
    found = [("minutes", f"{minutes:.1f}", minutes <= MOST_MINUTES)]
    for one in outcome.rounds:
        found += _round(one)
    return found


def _round(one: Round) -> list[Figure]:
    accuracy = one.cards["rm"]["held_out_accuracy"]
    kl = one.cards["grpo"]["kept_kl"]
    reward, disliked = _difference(one.evaluation, "reward"), _fall(one)
    worse, seconds = fallen(one.evaluation), one.promotion.seconds
    found: list[Figure] = [
        ("RM accuracy on held-out pairs", f"{accuracy:.2f}", accuracy >= LEAST_ACCURACY),
        (
            "mean reward on held-out prompts, difference in standard errors",
            f"{reward[0]:+.2f}, {reward[1]:.1f}",
            reward[1] > 2,
        ),
        (
            "served answers that the rater dislikes, after ÷ before",
            f"{one.after['disliked']:.2f} ÷ {one.before['disliked']:.2f}",
            disliked < (0.5 if one.number == 1 else 1.0),
        ),
        ("KL to the parent, nats an answer", f"{kl:.2f}", kl <= WHOLE.kl_budget),
        ("propositions worse by more than their interval", ", ".join(worse) or "none", not worse),
        (
            "served answers that state the fact, before and after",
            ", ".join(f"{sum(right) / len(right):.2f}" for right in one.right),
            not _less_right(one),
        ),
        (
            "seconds from `promote` to the first answer",
            "turned down by its gates" if seconds is None else f"{seconds:.1f}",
            seconds is not None and seconds <= MOST_SECONDS_TO_SERVE,
        ),
        (
            "requests dropped meanwhile",
            str(one.promotion.failed),
            one.promotion.failed == 0,
        ),
    ]
    return [(f"round {one.number}: {name}", value, held) for name, value, held in found]


def _less_right(one: Round) -> bool:
    """Do fewer answers state the fact, by more than their interval?"""
    change = share_difference(*one.right)
    return change is not None and change.high < 0


def fallen(evaluation: Evaluation) -> list[str]:
    """Propositions that got worse by more than their interval."""
    return [m.name for m in evaluation.metrics if m.name.startswith("proposition/") and m.is_worse]


def shown(outcome: Outcome) -> str:
    """A table for people."""
    rows = [[name, value, "yes" if held else "**no**"] for name, value, held in figures(outcome)]
    stages = [[stage, f"{seconds:.0f} s"] for stage, seconds in outcome.stages.items()]
    return "\n\n".join(
        [
            f"Seed {outcome.seed}",
            table(["figure", "value", "holds"], rows),
            table(["stage", "took"], stages),
        ]
    )


def write_document(outcomes: Sequence[Outcome], seeds: Sequence[int]) -> None:
    """Put numbers and plots of all seeds into docs/flywheel.md."""
    PLOTS.mkdir(exist_ok=True)
    _plot_manners(outcomes, PLOTS / "manners.png")
    _plot_rewards(outcomes, PLOTS / "rewards.png")
    columns = [figures(one) for one in outcomes]
    rows = [
        [
            first[0],
            *(f"{column[place][1]}{'' if column[place][2] else ' ✗'}" for column in columns),
        ]
        for place, first in enumerate(columns[0])
    ]
    body = [
        table(["", *(f"seed {one.seed}" for one in outcomes)], rows),
        "![What the rater sees in served answers](flywheel/manners.png)",
        "![Win rates and rewards on held-out prompts](flywheel/rewards.png)",
        table(["shares of served answers", *_turns(outcomes)], _manners(outcomes)),
        table(["on held-out prompts", *_turns(outcomes)], _measures(outcomes)),
        table(
            ["seconds of seed " + str(outcomes[0].seed), ""],
            [[stage, f"{seconds:.0f}"] for stage, seconds in outcomes[0].stages.items()],
        ),
    ]
    command = "python -m benchmarks.flywheel " + " ".join(f"--seed {seed}" for seed in seeds)
    put(DOCUMENT, "flywheel", "\n\n".join(body) + "\n\n" + made_by(f"{command} --write", _ALSO))


_ALSO = ("transformers", "trl", "peft")
_TRAITS = ("rude", "uncited", "wordy", "polite", "disliked", "liked")
_MEASURES = ("win_rate", "reward", "exact_match", "f1", "proposition/grounded")


def _turns(outcomes: Sequence[Outcome]) -> list[str]:
    return [f"seed {one.seed}, round {r.number}" for one in outcomes for r in one.rounds]


def _manners(outcomes: Sequence[Outcome]) -> list[list[str]]:
    turns = [r for one in outcomes for r in one.rounds]
    return [
        [trait, *(f"{r.before[trait]:.2f} → {r.after[trait]:.2f}" for r in turns)]
        for trait in _TRAITS
    ]


def _measures(outcomes: Sequence[Outcome]) -> list[list[str]]:
    turns = [r for one in outcomes for r in one.rounds]
    rows = []
    for policy, of in (("GRPO", "evaluation"), ("DPO", "beside")):
        for name in _MEASURES:
            cells = [_cell(getattr(r, of).metric(name)) for r in turns]
            rows.append([f"{policy}: {name}", *cells])
    return rows


def _cell(metric: Metric | None) -> str:
    if metric is None or metric.difference is None:
        return "–"
    found = metric.difference
    return f"{found.mean:+.2f} [{found.low:+.2f}, {found.high:+.2f}]"


def _difference(evaluation: Evaluation, name: str) -> tuple[float, float]:
    """A metric's difference, and the same in standard errors."""
    metric = evaluation.metric(name)
    if metric is None or metric.difference is None:
        return 0.0, 0.0
    found = metric.difference
    error = (found.high - found.low) / (2 * Z)
    return found.mean, found.mean / error if error else math.copysign(math.inf, found.mean)


def _fall(one: Round) -> float:
    return one.after["disliked"] / one.before["disliked"] if one.before["disliked"] else 0.0


def _plot_manners(outcomes: Sequence[Outcome], path: Path) -> None:
    """Each trait's share of served answers, turn by turn; a line for each seed."""
    figure, places = plt.subplots(1, len(_TRAITS), figsize=(13, 2.8), sharey=True)
    for place, trait in zip(places, _TRAITS, strict=True):
        for one in outcomes:
            shares = [one.rounds[0].before[trait], *(r.after[trait] for r in one.rounds)]
            place.plot(range(len(shares)), shares, marker="o", label=f"seed {one.seed}")
        place.set(title=trait, ylim=(0, 1), xticks=range(len(outcomes[0].rounds) + 1))
        place.set_xlabel("rounds")
    places[0].set_ylabel("share of served answers")
    places[-1].legend(fontsize=7)
    _save(figure, path)


def _plot_rewards(outcomes: Sequence[Outcome], path: Path) -> None:
    """Differences to the policy in service with their intervals, GRPO beside DPO."""
    figure, places = plt.subplots(1, 2, figsize=(9, 3))
    for place, name in zip(places, ("reward", "win_rate"), strict=True):
        for shift, (policy, of) in enumerate((("GRPO", "evaluation"), ("DPO", "beside"))):
            found = [
                (number + 0.2 * shift, metric.difference)
                for number, evaluation in enumerate(
                    getattr(r, of) for one in outcomes for r in one.rounds
                )
                if (metric := evaluation.metric(name)) is not None and metric.difference
            ]
            means = [interval.mean for _, interval in found]
            errors = [
                [interval.mean - interval.low for _, interval in found],
                [interval.high - interval.mean for _, interval in found],
            ]
            place.errorbar([at for at, _ in found], means, errors, fmt="o", label=policy)
        place.axhline(0.5 if name == "win_rate" else 0, color="grey", linewidth=0.8)
        place.set_title(name.replace("_", " "))
        place.set_xticks(
            range(len(_turns(outcomes))), [t.replace(", ", "\n") for t in _turns(outcomes)]
        )
        place.tick_params(labelsize=7)
    places[1].legend(fontsize=7)
    _save(figure, path)


def _save(figure: object, path: Path) -> None:
    figure.tight_layout()  # type: ignore[attr-defined]
    figure.savefig(path, dpi=110)  # type: ignore[attr-defined]
    plt.close(figure)  # type: ignore[arg-type]
