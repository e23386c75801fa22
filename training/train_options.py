"""The options of `plumbline train`, in groups."""

from __future__ import annotations

from pathlib import Path

import click

from contract.terminal import together

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


common_options = together(
    click.argument("data", type=click.Path(path_type=Path, exists=True)),
    click.option(
        "--policy",
        required=True,
        help="Parent: a run folder, an adapter folder, a checkpoint folder or a hub's name.",
    ),
    click.option("--out", required=True, type=click.Path(path_type=Path), help="Run folder."),
    click.option(
        "--weights",
        type=click.Choice(["lora", "qlora", "full"]),
        default="lora",
        show_default=True,
        help="What is trained: an adapter, an adapter on four-bit weights (GPU), or everything.",
    ),
    click.option(
        "--rank",
        type=click.IntRange(min=1),
        help="Rank of a new adapter [16]; an adapter that is trained further keeps its own.",
    ),
    click.option("--alpha", type=click.IntRange(min=1), help="Scale of the adapter [2 x rank]."),
    click.option(
        "--targets",
        default="all-linear",
        show_default=True,
        help="Layers with an adapter, names with commas between.",
    ),
    click.option("--seed", type=int, default=0, show_default=True),
    click.option(
        "--epochs", type=click.FloatRange(min=0, min_open=True), help="Passes over the rows."
    ),
    click.option("--steps", type=click.IntRange(min=1), help="Steps, in place of epochs."),
    click.option("--batch", type=click.IntRange(min=1), help="Rows (or prompts) behind one step."),
    click.option(
        "--accumulate",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        help="Pieces that a batch is cut into, to fit into memory.",
    ),
    click.option("--learning-rate", type=click.FloatRange(min=0, min_open=True)),
    click.option(
        "--max-tokens",
        type=click.IntRange(min=8),
        default=1024,
        show_default=True,
        help="Longer rows are left out and counted, never cut.",
    ),
    click.option(
        "--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True
    ),
    click.option(
        "--round",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        help="Which turn of the wheel this is; stands in the card.",
    ),
    click.option("--save-every", type=click.IntRange(min=1), help="Steps between checkpoints."),
    click.option("--fresh", is_flag=True, help="Throw an earlier run in this folder away."),
    click.option("--keep-checkpoints", is_flag=True, help="Keep them when the run is finished."),
)

_weights = [
    ("judge", 1.0, "the judge's reward (reward model plus rules)"),
    ("correctness", 1.0, "agreement with the reference answer, where there is one"),
    ("format", 0.25, "citation marks that name passages"),
    ("language", 0.25, "answering in the question's language"),
    ("length", 0.25, "not being too long or cut off"),
    ("repetition", 0.25, "not repeating itself"),
]
reward_options = together(
    click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Settings file of the judge in service; PLUMBLINE_JUDGE__… goes before it.",
    ),
    click.option("--rubric", type=_FILE, help="Rubric file; else the one in service."),
    click.option(
        "--reward-model",
        help="Run folder, checkpoint or server URL; replaces the judge's reward model.",
    ),
    *(
        click.option(
            f"--{name}-weight",
            type=float,
            default=weight,
            show_default=True,
            help=f"Weight of {told}.",
        )
        for name, weight, told in _weights
    ),
    click.option(
        "--long-answer",
        type=click.IntRange(min=1),
        default=200,
        show_default=True,
        help="Words (or Han characters) from which on an answer is too long.",
    ),
)
TERMS = tuple(name for name, _, _ in _weights)

sampling_options = together(
    click.option(
        "--generations",
        type=click.IntRange(2, 64),
        default=8,
        show_default=True,
        help="Answers to each prompt: 4 to 8 are usual.",
    ),
    click.option(
        "--iterations",
        type=click.IntRange(1, 64),
        default=1,
        show_default=True,
        help="Steps on the same answers before new ones are written; more of them where answers are dear.",
    ),
    click.option(
        "--answer-tokens",
        type=click.IntRange(min=1),
        default=256,
        show_default=True,
        help="Longest answer.",
    ),
    click.option("--temperature", type=float, default=1.0, show_default=True),
    click.option(
        "--kl-budget",
        type=click.FloatRange(min=0, min_open=True),
        help="Nats by which an answer may come to differ from the parent's; the run stops there.",
    ),
    click.option(
        "--pretraining", type=_FILE, help="Text (.txt, or .jsonl with `text`) for PPO-ptx."
    ),
    click.option(
        "--gamma",
        type=click.FloatRange(min=0, min_open=True),
        help="Weight of that text's loss, gamma x mean of -log p for each token [1].",
    ),
)
