"""Turn the flywheel: `make flywheel`, or with three seeds

python -m benchmarks.flywheel --seed 0 --seed 1 --seed 2 --folder flywheel --write

Seeds may be run one by one: with --reuse those that the folder holds are only reported.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import click

from benchmarks.flywheel.plan import QUICK, WHOLE, Plan
from benchmarks.flywheel.report import figures, shown, write_document
from benchmarks.flywheel.turn import Outcome, turn
from contract.terminal import progress_bars


@click.command()
@click.option("--seed", "seeds", multiple=True, type=int, default=(0,), show_default=True)
@click.option("--quick", is_flag=True, help="Every part once, in a few minutes; proves no figure.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    help="Where everything is kept, a folder for each seed; unset: a temporary one.",
)
@click.option("--reuse", is_flag=True, help="Do not run seeds again whose outcome is in --folder.")
@click.option("--write/--no-write", default=False, help="Whether docs/flywheel.md is written.")
def main(
    seeds: tuple[int, ...], quick: bool, folder: Path | None, reuse: bool, write: bool
) -> None:
    """Pretrain a tiny policy, serve it with vLLM, ask, rate, export, train, evaluate, promote, ask again; twice.

    Exit code 1 where a figure of docs/flywheel.md does not hold.
    """
    plan = QUICK if quick else WHOLE
    outcomes = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        for seed in seeds:
            outcomes.append(
                _outcome((folder or Path(temporary)) / f"seed-{seed}", seed, plan, reuse)
            )
            click.echo(shown(outcomes[-1]))
    if write:
        write_document(outcomes, seeds)
    if not quick and not all(held for one in outcomes for _, _, held in figures(one)):
        sys.exit(1)


def _outcome(folder: Path, seed: int, plan: Plan, reuse: bool) -> Outcome:
    path = folder / "outcome.json"
    if reuse and path.exists():
        return Outcome.of_json(path.read_bytes())
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with progress_bars() as progress:
        outcome = turn(folder, seed, plan, progress, lambda text: click.echo(text, err=True))
    path.write_text(outcome.to_json(), encoding="utf-8")
    return outcome


if __name__ == "__main__":
    main()
