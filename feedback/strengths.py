"""How strong each version is, from who won against whom (Bradley & Terry 1952).

A version of strength s wins against one of strength t with the probability 1 / (1 + exp(t - s)), so a
difference of strengths is the log-odds of a win; a tie is half a win for each side. The strengths are those
that maximise the likelihood less RIDGE / 2 · Σ s². Without the ridge a version that nobody beat would be
infinitely strong; with it one win says little and twenty say much.

An interval is the estimate ± 1.96 standard errors, on the scale of log-odds. Two errors are computed and the
larger one is taken: the one of the likelihood's curvature, which is right where votes are independent and
stays wide where there are few, and the one that adds up the votes on one question before it squares them
(the cluster-robust sandwich), which is wider where the votes on a question go together. A bootstrap over
questions estimates the same as the second, and calls a version that won all of three votes certain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from contract.evaluation import Interval
from contract.intervals import Z

# A normal prior on each strength with a standard deviation of 3.2: a win share of 96 % against the mean.
RIDGE = 0.1

_STEPS = 100
_CLOSE = 1e-10

_Array = npt.NDArray[np.float64]


class Vote(NamedTuple):
    """One comparison of two versions.

    Attributes:
        share: what a got of it: 1, 0, or 0.5 for a tie.
        question: what was asked; votes on one question go together.
    """

    a: str
    b: str
    share: float
    question: str


def groups_of(votes: Iterable[Vote]) -> list[list[str]]:
    """The versions that comparisons connect, directly or through others: the largest group first. Nothing
    is known of how two groups compare."""
    group: dict[str, set[str]] = {}
    for vote in votes:
        joined = group.get(vote.a, {vote.a}) | group.get(vote.b, {vote.b})
        for version in joined:
            group[version] = joined
    distinct = {id(one): sorted(one) for one in group.values()}
    return sorted(distinct.values(), key=lambda names: (-len(names), names))


def strengths(votes: Sequence[Vote], versions: Sequence[str]) -> Mapping[str, Interval]:
    """Each version's log-odds of a win against the mean of these versions, with a 95 % interval.

    Args:
        votes: between these versions only.
        versions: one group of `groups_of`.
    """
    place = {version: n for n, version in enumerate(versions)}
    a = np.array([place[vote.a] for vote in votes], dtype=np.intp)
    b = np.array([place[vote.b] for vote in votes], dtype=np.intp)
    share = np.array([vote.share for vote in votes], dtype=np.float64)
    fitted = _fit(a, b, share, len(versions))
    names = {question: n for n, question in enumerate(dict.fromkeys(v.question for v in votes))}
    question = np.array([names[vote.question] for vote in votes], dtype=np.intp)
    error = _errors(a, b, share, fitted, question)
    return {
        version: Interval(
            mean=float(fitted[n]),
            low=float(fitted[n] - Z * error[n]),
            high=float(fitted[n] + Z * error[n]),
        )
        for version, n in place.items()
    }


def expected(strength: float) -> float:
    """The win share that a strength stands for, against a version of the mean strength."""
    return float(1 / (1 + np.exp(-strength)))


def _fit(a: npt.NDArray[np.intp], b: npt.NDArray[np.intp], share: _Array, count: int) -> _Array:
    """Newton's method, each step halved until it climbs; the maximum is the only one, and its mean is 0."""
    at = np.zeros(count)
    value = _objective(at, a, b, share)
    for _ in range(_STEPS):
        surplus = share - _wins(at, a, b)
        slope = _summed(surplus, a, b, count) - RIDGE * at
        step = np.linalg.solve(_curvature(at, a, b), slope)
        if np.abs(step).max() < _CLOSE:
            break
        climbed = _objective(at + step, a, b, share)
        while climbed < value and np.abs(step).max() > _CLOSE:
            step /= 2
            climbed = _objective(at + step, a, b, share)
        at, value = at + step, climbed
    return np.asarray(at - at.mean())


def _errors(
    a: npt.NDArray[np.intp],
    b: npt.NDArray[np.intp],
    share: _Array,
    at: _Array,
    question: npt.NDArray[np.intp],
) -> _Array:
    """The standard error of each strength less their mean: the larger one of the two."""
    count = len(at)
    centred = np.eye(count) - 1 / count
    bread = centred @ np.linalg.inv(_curvature(at, a, b)) @ centred
    surplus = share - _wins(at, a, b)
    scores = np.zeros((question.max() + 1, count))
    np.add.at(scores, (question, a), surplus)
    np.add.at(scores, (question, b), -surplus)
    sandwich = bread @ scores.T @ scores @ bread
    return np.asarray(np.sqrt(np.maximum(np.diag(bread), np.diag(sandwich))))


def _wins(at: _Array, a: npt.NDArray[np.intp], b: npt.NDArray[np.intp]) -> _Array:
    return np.asarray(1 / (1 + np.exp(at[b] - at[a])))


def _objective(
    at: _Array, a: npt.NDArray[np.intp], b: npt.NDArray[np.intp], share: _Array
) -> float:
    lead = at[a] - at[b]
    likelihood = -share * np.logaddexp(0, -lead) - (1 - share) * np.logaddexp(0, lead)
    return float(likelihood.sum() - RIDGE / 2 * (at @ at))


def _summed(values: _Array, a: npt.NDArray[np.intp], b: npt.NDArray[np.intp], count: int) -> _Array:
    found = np.zeros(count)
    np.add.at(found, a, values)
    np.add.at(found, b, -values)
    return found


def _curvature(at: _Array, a: npt.NDArray[np.intp], b: npt.NDArray[np.intp]) -> _Array:
    wins = _wins(at, a, b)
    spread = wins * (1 - wins)
    found = RIDGE * np.eye(len(at))
    np.add.at(found, (a, a), spread)
    np.add.at(found, (b, b), spread)
    np.add.at(found, (a, b), -spread)
    np.add.at(found, (b, a), -spread)
    return found
