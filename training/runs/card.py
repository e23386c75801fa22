"""The card of a training run: what made it, and what came out."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from contract.errors import ConfigurationError
from contract.files import problem_of

# Written by every run; a reader refuses another number.
SCHEMA: Literal[1] = 1
CARD = "run.json"

Kind = Literal["sft", "rm", "dpo", "kto", "grpo", "rloo"]

_LIBRARIES = ("torch", "transformers", "trl", "peft", "accelerate", "datasets")


class Parent(BaseModel):
    """The policy that a run began from; `digest` is the SHA-256 over its weights, empty for a hub's name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    name: str
    digest: str = ""


class RunCard(BaseModel):
    """All of it; `run.json` is written last, so a folder that has one is whole.

    Attributes:
        weights: which folder holds the result: `adapter` (peft's format) or `model`.
        digest: SHA-256 over the result's weights.
        data: SHA-256 of every file that was read, by its path.
        rows: how many rows of each file were trained or validated on, and how many were too long.
        rubric_version, judge_version: of the judge that rewarded; empty where none did.
        metrics: the last figures of the run by name.
        notes: what a person should know, a sentence each.
        seconds: on the clock, all parts of an interrupted run together.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = SCHEMA
    name: str
    kind: Kind
    round: int
    parent: Parent
    weights: Literal["adapter", "model"]
    digest: str
    made: str
    seed: int
    options: dict[str, Any]
    data: dict[str, str]
    rows: dict[str, int]
    rubric_version: str = ""
    judge_version: str = ""
    libraries: dict[str, str]
    steps: int
    resumed: int = 0
    seconds: float
    metrics: dict[str, float]
    notes: tuple[str, ...] = ()


def read_card(folder: Path) -> RunCard:
    """The card of a finished run.

    Raises:
        ConfigurationError: the folder holds no finished run, or one of another version.
    """
    path = folder / CARD
    try:
        return RunCard.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(
            f"{folder} holds no finished run ({CARD} is missing). The command that began it, given again, "
            "goes on with it."
        ) from error
    except ValidationError as error:
        raise ConfigurationError(f"{path} is no card of a run: {problem_of(error)}") from error


def libraries() -> dict[str, str]:
    """The versions of what trains."""
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
