"""`plumbline export`."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click

from contract.terminal import Command, config_option, progress_bars
from feedback.export import export as run_export
from feedback.log_option import data_dir_option, log_of
from feedback.options import KINDS, Kind, Options


@click.command(cls=Command, short_help="Write preferences as training data.")
@click.argument("kind", type=click.Choice(KINDS))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write.")
@click.option(
    "--source",
    type=click.Choice(["human", "judge", "both"]),
    default="human",
    show_default=True,
    help="Whose preferences; every row says which it came from.",
)
@click.option(
    "--min-margin",
    default=1.0,
    show_default=True,
    help="Smallest difference of rewards that counts as the judge's preference.",
)
@click.option(
    "--validation",
    default=0.1,
    show_default=True,
    type=click.FloatRange(0, 0.9),
    help="Share of conversations kept for validation.",
)
@click.option("--seed", default=0, show_default=True, help="Seed of the split.")
@data_dir_option
@config_option
def export(
    kind: str,
    out: Path,
    source: str,
    min_margin: float,
    validation: float,
    seed: int,
    data_dir: Path | None,
    config: Path | None,
) -> None:
    """Write logged preferences as training data, with a data card beside it.

    \b
    sft   good answers          prompt, completion
    rm    preferences           prompt, chosen, rejected
    dpo   preferences           prompt, chosen, rejected
    kto   thumbs up and down    prompt, completion, label
    grpo  prompts               prompt, passages, reference

    The files load with datasets.load_dataset("json", …) and train in TRL as they are.
    """
    options = Options(cast(Kind, kind), source, min_margin, validation, seed)  # type: ignore[arg-type]
    with progress_bars() as progress:
        counts = run_export(log_of(data_dir, config), out, options, progress)
    click.echo(f"{sum(counts.rows.values())} rows from {counts.turns} turns in {out}")
    if not counts.rows:
        click.echo("  Nobody has rated these turns; --source both adds what the judge preferred.")
    for why, number in sorted(counts.dropped.items()):
        click.echo(f"  left out: {number} turns, {why}")
