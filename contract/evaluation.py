"""What an evaluation of two policies found: the file that `plumbline eval` writes and promotion reads."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from contract.errors import ConfigurationError
from contract.files import problem_of

# Written by every evaluation; a reader refuses another number.
SCHEMA: Literal[1] = 1


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Interval(_Part):
    """A mean and its 95 % confidence interval."""

    mean: float
    low: float
    high: float


class Metric(_Part):
    """One figure of both policies.

    Attributes:
        name: as in docs/evaluation.md, such as `win_rate`, `over_refusal` or `proposition/grounded`.
        a, b: the figure of the first policy (in service) and of the second (the candidate); None where it
            makes sense only of both together.
        difference: b − a over the same prompts; of `win_rate`, b's share of wins, ties half. None where
            nothing could be measured.
        count: prompts (or votes) behind it.
        better: which way is better.
    """

    name: str
    a: float | None = None
    b: float | None = None
    difference: Interval | None = None
    count: int = 0
    better: Literal["higher", "lower"] = "higher"

    @property
    def is_better(self) -> bool:
        """Is b better by more than the interval?"""
        found = self.difference
        if found is None:
            return False
        return found.low > 0 if self.better == "higher" else found.high < 0

    @property
    def is_worse(self) -> bool:
        """Is b worse by more than the interval?"""
        found = self.difference
        if found is None:
            return False
        return found.high < 0 if self.better == "higher" else found.low > 0


class Flag(_Part):
    """Something that a person should look at before promoting, such as `reward_hacking`."""

    kind: str
    metric: str
    message: str


class Side(_Part):
    """One policy.

    Attributes:
        version: what log rows of this policy say, where it has been served.
        digest: SHA-256 over the checkpoint's or adapter's weights; empty for a policy behind a URL.
    """

    name: str
    version: str
    digest: str = ""


class Evaluation(_Part):
    """All of it. `judged_by_training_reward` is true where no judge but the training reward was at hand."""

    schema_version: Literal[1] = SCHEMA
    made: str
    seed: int
    a: Side
    b: Side
    prompts: int
    prompts_digest: str
    judge_version: str
    judged_by_training_reward: bool
    metrics: tuple[Metric, ...]
    flags: tuple[Flag, ...] = ()

    def metric(self, name: str) -> Metric | None:
        """The metric of that name, if it was measured."""
        return next((metric for metric in self.metrics if metric.name == name), None)


def read_evaluation(path: Path) -> Evaluation:
    """The evaluation in a file.

    Raises:
        ConfigurationError: there is none, or it is of another version.
    """
    try:
        return Evaluation.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(
            f"The evaluation {path} can't be read ({error.strerror}). `plumbline eval` writes one."
        ) from error
    except ValidationError as error:
        raise ConfigurationError(f"{path} is no evaluation: {problem_of(error)}") from error
