"""The options that every script that fits the judge's weights has."""

from __future__ import annotations

from pathlib import Path

import click

data_option = click.option(
    "--data",
    required=True,
    type=click.Path(path_type=Path, exists=True),
    help="Folder with the public sets.",
)
own_option = click.option(
    "--own",
    default=Path("training/data"),
    type=click.Path(path_type=Path),
    help="Our own examples.",
)
out_option = click.option(
    "--out",
    default=Path("rbrm/weights"),
    type=click.Path(path_type=Path),
    help="Folder to write the weights and their card to.",
)
seed_option = click.option("--seed", default=0, show_default=True)
