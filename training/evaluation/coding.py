"""pass@k from the results of tests that were run elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

from contract.errors import ConfigurationError
from contract.evaluation import Metric
from training.evaluation.figures import mean_of
from training.evaluation.intervals import pass_at_k
from training.evaluation.prompts import read_rows

_Tries = dict[str, tuple[int, int]]


class _Result(BaseModel):
    """The tries of one policy at one task: how many there were and passed, or each by itself."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    task: str | int
    policy: Literal["a", "b"] = "b"
    n: int | None = None
    c: int | None = None
    passed: bool | list[bool] | None = None

    @model_validator(mode="after")
    def _has_one_form(self) -> _Result:
        counted = self.n is not None and self.c is not None
        if counted == (self.passed is not None):
            raise ValueError("give either n and c, or passed")
        if counted and not 0 <= (self.c or 0) <= (self.n or 0):
            raise ValueError("c must lie between 0 and n")
        return self

    @property
    def tries(self) -> tuple[int, int]:
        """How many, and how many of them passed."""
        if self.passed is None:
            return self.n or 0, self.c or 0
        single = [self.passed] if isinstance(self.passed, bool) else self.passed
        return len(single), sum(single)


def pass_metrics(path: Path, ks: Sequence[int]) -> list[Metric]:
    """`pass@k` for each k, over the tasks that were tried at least k times. Lines of one task add up;
    `policy` says whose they are, b's unless it says a.

    Raises:
        ConfigurationError: a line is no result, or no task was tried k times.
    """
    found: dict[str, _Tries] = {"a": {}, "b": {}}
    for _, row in read_rows(path, _Result):
        tried, passed = found[row.policy].get(str(row.task), (0, 0))
        more, better = row.tries
        found[row.policy][str(row.task)] = (tried + more, passed + better)
    return [_metric(k, found["a"], found["b"], path) for k in ks]


def _metric(k: int, a: _Tries, b: _Tries, path: Path) -> Metric:
    of_a = {task: pass_at_k(n, c, k) for task, (n, c) in a.items() if n >= k}
    of_b = {task: pass_at_k(n, c, k) for task, (n, c) in b.items() if n >= k}
    if not of_a and not of_b:
        raise ConfigurationError(f"pass@{k}: no task in {path} was tried {k} times.")
    shared = [task for task in of_a if task in of_b]
    name = f"pass@{k}"
    if shared:
        return mean_of(name, [(of_a[task], of_b[task]) for task in shared], "higher")
    one = {"a": of_a, "b": of_b}["b" if of_b else "a"]
    mean = round(sum(one.values()) / len(one), 6)
    if of_b:
        return Metric(name=name, b=mean, count=len(of_b))
    return Metric(name=name, a=mean, count=len(of_a))
