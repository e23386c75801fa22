"""What a version must have shown before it gets traffic: an evaluation and a run card in, gates out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from contract.evaluation import Evaluation, Metric
from contract.settings import PromotionSettings

_PROPOSITION = "proposition/"
# Kinds of training that move away from their parent step by step, and must say how far they went.
_MEASURES_KL = ("grpo", "rloo")


@dataclass(frozen=True, slots=True)
class Gate:
    """One condition. `found` says in a sentence what was found, with the numbers."""

    name: str
    passed: bool
    found: str


def gates(
    evaluation: Evaluation | None,
    card: Mapping[str, Any] | None,
    *,
    digest: str,
    in_service: str,
    settings: PromotionSettings,
) -> list[Gate]:
    """All gates of a version.

    Args:
        digest: of its weights.
        in_service: digest of the weights in service, "" where they are not an adapter.
    """
    found = [_kl(card, settings)]
    if evaluation is None:
        missing = "there is none; run `plumbline eval` and give its folder with --evaluation"
        return [Gate("evaluation", False, missing), *found]
    return [
        _is_of_this(evaluation, digest),
        _is_against_service(evaluation, in_service),
        _judged_by_another(evaluation),
        _win_rate(evaluation, settings),
        _reward(evaluation, settings),
        _over_refusal(evaluation, settings),
        _propositions(evaluation),
        _flags(evaluation),
        *found,
    ]


def _is_of_this(evaluation: Evaluation, digest: str) -> Gate:
    same = evaluation.b.digest == digest
    other = evaluation.b.digest[:12] or "a policy without a digest"
    return Gate(
        "evaluation",
        same,
        f"it is of these weights ({digest[:12]})"
        if same
        else f"it is of {evaluation.b.name} ({other}), not of these weights ({digest[:12]})",
    )


def _is_against_service(evaluation: Evaluation, in_service: str) -> Gate:
    """Known only where both are adapters: a checkpoint behind an engine has no digest here."""
    known = bool(in_service and evaluation.a.digest)
    same = not known or evaluation.a.digest == in_service
    return Gate(
        "compared_with_service",
        same,
        f"it is compared with {evaluation.a.name}"
        + ("" if same else f" ({evaluation.a.digest[:12]}), and {in_service[:12]} is in service"),
    )


def _judged_by_another(evaluation: Evaluation) -> Gate:
    alone = evaluation.judged_by_training_reward
    return Gate(
        "independent_judge",
        not alone,
        f"the judge was {evaluation.judge_version}"
        + (", the reward that it was trained on; give another with --judge-url" if alone else ""),
    )


def _win_rate(evaluation: Evaluation, settings: PromotionSettings) -> Gate:
    metric = evaluation.metric("win_rate")
    if metric is None or metric.difference is None:
        return _unmeasured("win_rate")
    least = settings.min_win_rate
    return Gate(
        "win_rate",
        metric.difference.low >= least,
        f"{_interval(metric)}; its lower bound must be at least {least:g} (promotion.min_win_rate)",
    )


def _reward(evaluation: Evaluation, settings: PromotionSettings) -> Gate:
    metric = evaluation.metric("reward")
    if metric is None or metric.difference is None:
        return _unmeasured("reward")
    least = settings.min_reward_rise
    return Gate(
        "reward",
        metric.difference.low > least,
        f"rise {_interval(metric)}; its lower bound must be above {least:g} (promotion.min_reward_rise)",
    )


def _over_refusal(evaluation: Evaluation, settings: PromotionSettings) -> Gate:
    metric = evaluation.metric("over_refusal")
    if metric is None or metric.difference is None:
        return _unmeasured("over_refusal")
    most = settings.max_over_refusal_rise
    return Gate(
        "over_refusal",
        metric.difference.mean <= most,
        f"rise {_interval(metric)}; at most {most:g} (promotion.max_over_refusal_rise)",
    )


def _propositions(evaluation: Evaluation) -> Gate:
    asked = [
        metric
        for metric in evaluation.metrics
        if metric.name.startswith(_PROPOSITION) and metric.difference is not None
    ]
    if not asked:
        return _unmeasured("propositions")
    worse = [metric for metric in asked if metric.is_worse]
    told = "; ".join(f"{m.name.removeprefix(_PROPOSITION)} {_interval(m)}" for m in worse)
    return Gate(
        "propositions",
        not worse,
        f"worse by more than the interval: {told}" if worse else f"none of {len(asked)} is worse",
    )


def _flags(evaluation: Evaluation) -> Gate:
    told = "; ".join(f"{flag.kind} ({flag.metric}): {flag.message}" for flag in evaluation.flags)
    return Gate("flags", not evaluation.flags, told or "none was raised")


def _kl(card: Mapping[str, Any] | None, settings: PromotionSettings) -> Gate:
    """As far as the run says how far it went: supervised training has no parent to stay near to."""
    values = dict(_leaves(card or {}))
    reached, budget = values.get("kl_per_answer"), values.get("kl_budget")
    most = settings.max_kl if settings.max_kl is not None else budget
    needed = most is not None or (card or {}).get("kind") in _MEASURES_KL
    if reached is None:
        return Gate("kl", not needed, "the run card reports none")
    if most is None:
        return Gate("kl", True, f"{reached:.4g} nats an answer, and no budget was set")
    kept, steps = values.get("kept_step"), (card or {}).get("steps")
    if settings.max_kl is None and kept is not None and isinstance(steps, int) and kept < steps:
        # The last figure is of a step that was thrown away.
        return Gate("kl", True, f"step {kept:g} was kept, the last within the run's {most:g} nats")
    origin = "promotion.max_kl" if settings.max_kl is not None else "the run's own budget"
    return Gate("kl", reached <= most, f"{reached:.4g} nats an answer; at most {most:g} ({origin})")


def _leaves(card: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The numbers of the run's options and of its final metrics."""
    for section in ("options", "metrics"):
        values = card.get(section)
        for name, value in (values if isinstance(values, dict) else {}).items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                yield str(name), float(value)


def _interval(metric: Metric) -> str:
    assert metric.difference is not None
    found = metric.difference
    return f"{found.mean:.3f} [{found.low:.3f}, {found.high:.3f}], n={metric.count}"


def _unmeasured(name: str) -> Gate:
    return Gate(name, False, "the evaluation did not measure it")
