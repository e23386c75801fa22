"""What a run is asked to do: the command line's options as values.

Every default that is None is chosen when the data are known; what was chosen stands in the card.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from training.rewards.weights import Weights as TermWeights
from training.runs.card import Kind

Weights = Literal["lora", "qlora", "full"]
Device = Literal["auto", "cpu", "cuda"]

# Below this many rows a set is small.
SMALL = 1000


@dataclass(frozen=True, kw_only=True)
class Options:
    """What every kind of run takes.

    Attributes:
        batch: rows (prompts, for rm, grpo and rloo) behind one step, over all processes.
        accumulate: into how many pieces such a batch is cut to fit into memory.
        max_tokens: longer rows are left out and counted, never cut.
        save_every: steps between checkpoints.
    """

    kind: Kind
    data: Path
    policy: str
    out: Path
    weights: Weights = "lora"
    rank: int | None = None
    alpha: int | None = None
    targets: str = "all-linear"
    seed: int = 0
    epochs: float | None = None
    steps: int | None = None
    batch: int | None = None
    accumulate: int = 1
    learning_rate: float | None = None
    max_tokens: int = 1024
    device: Device = "auto"
    round: int = 1
    save_every: int | None = None

    def asked(self) -> dict[str, Any]:
        """The options that decide what the run does, as plain values; a folder is resumed by them."""
        found = asdict(self)
        found.pop("out")
        return {name: str(v) if isinstance(v, Path) else v for name, v in found.items()}


@dataclass(frozen=True, kw_only=True)
class SFTOptions(Options):
    """Imitation of good answers.

    Attributes:
        general: rows or texts that are mixed in against forgetting, as this share of all rows.
        reward_model: chooses among the checkpoints of the epochs, by greedy answers of this length.
    """

    general: Path | None = None
    general_share: float = 0.1
    reward_model: str | None = None
    answer_tokens: int = 256


@dataclass(frozen=True, kw_only=True)
class RMOptions(Options):
    """A reward model from comparisons.

    Attributes:
        margins: whether the rows' `margin` is asked of the difference of two rewards.
        demonstrations: answers whose mean reward is to be 0; else the chosen ones.
    """

    margins: bool = False
    demonstrations: Path | None = None


@dataclass(frozen=True, kw_only=True)
class PreferenceOptions(Options):
    """DPO and KTO. `beta` holds the policy to its parent."""

    beta: float = 0.1
    loss: str = "sigmoid"


@dataclass(frozen=True, kw_only=True)
class RLOptions(Options):
    """GRPO and RLOO.

    Attributes:
        generations: answers to each prompt.
        iterations: steps on the same answers before new ones are written (μ of Shao et al. 2024).
        answer_tokens: longest answer; one that reaches it is cut off.
        long_answer: words (Han characters) from which on an answer is too long.
        beta: how much the distance to the parent costs.
        loss, scale: TRL's names; of GRPO only.
        pretraining, gamma: text, and the weight of its loss beside the reward's (PPO-ptx).
        kl_budget: nats by which an answer may come to differ from the parent's; None is no limit.
    """

    generations: int = 8
    iterations: int = 1
    answer_tokens: int = 256
    long_answer: int = 200
    temperature: float = 1.0
    beta: float = 0.04
    loss: str = "grpo"
    scale: str = "group"
    terms: TermWeights = TermWeights()
    config: Path | None = None
    rubric: Path | None = None
    reward_model: str | None = None
    pretraining: Path | None = None
    gamma: float | None = None
    kl_budget: float | None = None
