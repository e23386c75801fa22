"""The whole evaluation: answers, verdicts, preferences, figures, flags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from contract.evaluation import Evaluation, Metric
from contract.intervals import wilson
from contract.progress import Progress
from rbrm.judge import Judge
from training.evaluation.answers import Answering
from training.evaluation.coding import pass_metrics
from training.evaluation.direction import Directions
from training.evaluation.figures import rounded
from training.evaluation.hacking import flags, held_out
from training.evaluation.judged import Pair, judge_pairs
from training.evaluation.measures import measure
from training.evaluation.preferences import PairJudge, Preference, win_rate
from training.evaluation.prompts import EvaluationPrompt, digest_of
from training.evaluation.sides import Contender, trained_on
from training.evaluation.votes import votes


@dataclass(frozen=True)
class Extras:
    """What may be measured beside answers and verdicts.

    Attributes:
        votes: rows of an `rm` export.
        tests: results of tests, and for which k pass@k is wanted.
        texts: held-out texts for perplexity.
        held_out: propositions that count as held out, beside those that the reward does not look at.
    """

    votes: Path | None = None
    tests: Path | None = None
    ks: tuple[int, ...] = (1,)
    texts: Path | None = None
    held_out: tuple[str, ...] = ()
    device: str = "auto"
    seed: int = 0


@dataclass(frozen=True)
class Outcome:
    """An evaluation and what it rests on. `held_out` are the propositions that reward hacking was looked for in."""

    evaluation: Evaluation
    pairs: Sequence[Pair]
    preferences: Sequence[Preference]
    held_out: Sequence[str] = field(default_factory=tuple)


def evaluate(
    a: Contender,
    b: Contender,
    prompts: Sequence[EvaluationPrompt],
    answering: Answering,
    judge: Judge,
    pair_judge: PairJudge,
    extras: Extras,
    progress: Progress,
) -> Outcome:
    """Compare b, the candidate, with a, the policy in service.

    Raises:
        ConfigurationError: a policy, a file or a proposition that was named is not there.
        PolicyUnavailable, JudgeUnavailable: a prompt got no answer, or an answer no verdict.
    """
    of_a = answering.answers(a, prompts, progress)
    of_b = answering.answers(b, prompts, progress)
    pairs = judge_pairs(judge, prompts, of_a, of_b, progress)
    preferences = pair_judge.compare(pairs)
    verdicts = [v for pair in pairs for v in (pair.a.verdict, pair.b.verdict)]
    directions = Directions(judge.rubric, verdicts, trained_on(b.card, judge.rubric))
    metrics = [*_preferred(preferences), *measure(pairs, directions)]
    metrics += _further(a, b, extras, progress)
    held = held_out(metrics, directions, extras.held_out)
    evaluation = Evaluation(
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=extras.seed,
        a=a.side,
        b=b.side,
        prompts=len(prompts),
        prompts_digest=digest_of(prompts),
        judge_version=f"{pair_judge.version}; {judge.version}; {judge.rubric.fingerprint}",
        judged_by_training_reward=pair_judge.is_training_reward,
        metrics=tuple(metrics),
        flags=tuple(flags(metrics, held)),
    )
    return Outcome(evaluation, pairs, preferences, held)


def _preferred(found: Sequence[Preference]) -> list[Metric]:
    count = len(found)
    metrics = [Metric(name="win_rate", difference=rounded(win_rate(found)), count=count)]
    if not all(preference.consistent for preference in found):
        agreed = wilson(sum(preference.consistent for preference in found), count)
        metrics.append(Metric(name="judge_consistency", difference=rounded(agreed), count=count))
    return metrics


def _further(a: Contender, b: Contender, extras: Extras, progress: Progress) -> list[Metric]:
    metrics: list[Metric] = []
    if extras.votes is not None:
        metrics.append(votes(extras.votes, a.version, b.version))
    if extras.tests is not None:
        metrics += pass_metrics(extras.tests, extras.ks)
    if extras.texts is not None:
        metrics += _perplexity(a, b, extras, progress)
    return metrics


def _perplexity(a: Contender, b: Contender, extras: Extras, progress: Progress) -> list[Metric]:
    # Late on purpose: it brings in torch.
    from training.evaluation.generate import LocalPolicy
    from training.evaluation.perplexity import perplexity_metrics, read_texts, surprise

    assert extras.texts is not None
    texts = read_texts(extras.texts)
    found = [surprise(LocalPolicy(side, extras.device), texts, progress) for side in (a, b)]
    return perplexity_metrics(found[0], found[1], extras.seed)
