"""`plumbline train`."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Any

import click

from contract.errors import ConfigurationError
from contract.settings import quiet_trainers
from contract.terminal import Command, progress_bars
from training.rewards.weights import Weights
from training.train_options import TERMS, common_options, reward_options, sampling_options

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group(short_help="Train a policy or a reward model on an export.")
def train() -> None:
    """Train on what `plumbline export` wrote; each kind reads its own export.

    \b
      plumbline train sft  round-1/sft  --policy BASE        --out runs/sft-1
      plumbline train rm   round-1/rm   --policy runs/sft-1  --out runs/rm-1
      plumbline train grpo round-1/grpo --policy runs/sft-1  --out runs/grpo-1 --reward-model runs/rm-1

    An adapter (LoRA) is trained unless --weights says otherwise. A run that was interrupted goes on when
    its command is given again. Several GPUs: accelerate launch -m plumbline train …
    """


@train.command(cls=Command, short_help="Imitate good answers.")
@common_options
@click.option("--general", type=_FILE, help="General rows (.jsonl), mixed in against forgetting.")
@click.option(
    "--general-share",
    type=click.FloatRange(0, 0.9),
    default=0.1,
    show_default=True,
    help="Their share of all rows.",
)
@click.option(
    "--reward-model",
    help="Run folder, checkpoint or server URL that chooses the checkpoint by greedy answers to validation "
    "prompts; else the validation loss does.",
)
@click.option(
    "--answer-tokens",
    type=click.IntRange(min=1),
    default=256,
    show_default=True,
    help="Longest of those answers.",
)
def sft(**options: Any) -> None:
    """Supervised fine-tuning: imitate the answers of an `sft` export. The loss is on the answer only.

    Sets below 1,000 rows: 5 epochs, batch 8; larger ones: 2 epochs, batch 32. Learning rate 2e-4 (adapter)
    or 2e-5, cosine.
    """
    _run("sft", "SFTOptions", options)


@train.command(cls=Command, short_help="A reward model from comparisons.")
@common_options
@click.option("--margins", is_flag=True, help="Ask for the rows' `margin` between two rewards.")
@click.option(
    "--demonstrations",
    type=_FILE,
    help="An `sft` file whose answers shall have the mean reward 0; else the chosen answers do.",
)
def rm(**options: Any) -> None:
    """A reward model from an `rm` export: the policy with its unembedding replaced by a scalar head.

    All pairs of a prompt are in one batch and share its weight (Ouyang et al. 2022, equation 1); --batch counts
    prompts. The result is a whole checkpoint; set judge.reward_model, judge.reward_mean and
    judge.reward_deviation as the run says.
    """
    _run("rm", "RMOptions", options)


@train.command(cls=Command, short_help="Direct preference optimisation.")
@common_options
@click.option("--beta", type=float, default=0.1, show_default=True, help="Hold on the parent.")
@click.option(
    "--loss", default="sigmoid", show_default=True, help="TRL's loss_type; + adds several."
)
def dpo(**options: Any) -> None:
    """Direct preference optimisation on a `dpo` export (Rafailov et al. 2023)."""
    _run("dpo", "PreferenceOptions", options)


@train.command(cls=Command, short_help="Kahneman-Tversky optimisation.")
@common_options
@click.option("--beta", type=float, default=0.1, show_default=True, help="Hold on the parent.")
@click.option("--loss", default="kto", show_default=True, help="TRL's loss_type.")
def kto(**options: Any) -> None:
    """Optimisation by thumbs up and down, a `kto` export (Ethayarajh et al. 2024)."""
    _run("kto", "PreferenceOptions", options)


@train.command(cls=Command, short_help="Reinforcement by groups of answers.")
@common_options
@sampling_options
@reward_options
@click.option("--beta", type=float, default=0.04, show_default=True, help="Weight of the KL term.")
@click.option("--loss", default="grpo", show_default=True, help="TRL's loss_type.")
@click.option(
    "--scale",
    type=click.Choice(["group", "batch", "none"]),
    default="group",
    show_default=True,
    help="Whose deviation rewards are divided by.",
)
def grpo(**options: Any) -> None:
    """GRPO on a `grpo` export: each answer against the others to its prompt, rewarded by the judge in service.

    Loss, beta (0.04) and scale are those of Shao et al. 2024; TRL's own defaults are others (loss dapo, beta 0).
    """
    _run("grpo", "RLOptions", options)


@train.command(cls=Command, short_help="Reinforcement, reward minus KL.")
@common_options
@sampling_options
@reward_options
@click.option("--beta", type=float, default=0.05, show_default=True, help="Price of a nat of KL.")
def rloo(**options: Any) -> None:
    """RLOO on a `grpo` export: the reward less beta times the distance to the parent, each answer against the
    mean of the others (Ahmadian et al. 2024).

    This is the objective of PPO in Ouyang et al. 2022, in the nearest form that is kept up; with --pretraining it is
    PPO-ptx.
    """
    _run("rloo", "RLOptions", options)


def _run(kind: str, options_name: str, values: dict[str, Any]) -> None:
    """Build the options and carry the run out. Late on purpose: torch and TRL take seconds to import."""
    missing = [n for n in ("trl", "peft", "datasets") if importlib.util.find_spec(n) is None]
    if missing:
        raise ConfigurationError(
            f"Training needs {missing[0]}, which is not installed. `make trainer` builds an environment with "
            "it; then use .venv-train/bin/plumbline train …"
        )
    quiet_trainers()
    importlib.import_module("training.trainers.quiet").be_quiet()
    kinds = importlib.import_module("training.trainers.options")
    task = importlib.import_module("training.trainers.task")
    trainer = importlib.import_module(f"training.trainers.{kind}")
    fresh, keep = values.pop("fresh"), values.pop("keep_checkpoints")
    if f"{TERMS[0]}_weight" in values:
        counted = {name: values.pop(f"{name}_weight") for name in TERMS}
        values["terms"] = Weights(**counted)
    options = getattr(kinds, options_name)(kind=kind, **values)
    with progress_bars() as progress:
        card = task.carry_out(
            options, trainer.train, _say, progress, fresh=fresh, keep_checkpoints=keep
        )
    told = ", ".join(f"{n} {v:.4g}" for n, v in card.metrics.items() if n in _TOLD)
    _say(
        f"{options.out}: {card.steps} steps in {card.seconds:.0f} s" + (f"; {told}" if told else "")
    )


_TOLD = ("loss", "eval_loss", "eval_reward", "accuracy", "reward", "kl_per_answer", "eval_accuracy")


def _say(sentence: str) -> None:
    click.echo(sentence, err=True)
