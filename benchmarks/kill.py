"""Is what the server acknowledged there after `kill -9`?

    python -m benchmarks.kill

Clients ask (whole, both kinds of stream) and rate all the time; at a random moment the server and all its
processes are killed, and started again. Then each completion that a client was told of, all its candidates, and
all feedback must be in the log, the log and the index must be whole, and the API must show the newest turns and all
uploads. Every fifth run uploads a document first, so that an ingest is under way. The mock model server answers at
once or after some milliseconds; the judge is off, and documents are searched for one question in ten, so that rows
come as fast as they can. The control, `log.acknowledge: queued`, acknowledges rows before they are durable: a
measurement that finds no loss there proves little.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click

from benchmarks.gateway.engine import Script
from benchmarks.gateway.processes import ROOT
from benchmarks.gateway.targets import engine
from benchmarks.killed import Cell, launcher
from benchmarks.report import publish, table
from contract.settings import RetrievalSettings
from ingest.build import Ingest
from text.encoder import Encoder

# Name, processes, log.acknowledge, kills.
Plan = tuple[str, int, str, int]

_DELAYS = (0.0, 0.0, 0.003, 0.03)
SCRIPTS = [
    Script(f"Answer {number}. " + "Each employee gets 80 working days. " * (number % 7), delay)
    for number, delay in enumerate(_DELAYS * 6)
]


async def cells(folder: Path, plan: Sequence[Plan], seed: int, minutes: float) -> list[Cell]:
    """The cells of a plan one after the other, each on a data folder of its own."""
    until, dice = time.monotonic() + 60 * minutes, random.Random(seed)
    encoder, made, done = Encoder(), folder / "index", []
    Ingest(made, encoder, RetrievalSettings()).run([ROOT / "examples" / "handbook"], "default")
    with launcher() as start:
        async with engine(SCRIPTS, folder) as upstream:
            for number, (name, workers, acknowledge, kills) in enumerate(plan):
                own = folder / str(number)
                shutil.copytree(made, own / "index")
                cell = Cell(
                    name, own, upstream, own / "index", encoder, start, workers, acknowledge
                )
                await cell.run(kills, dice, until)
                done.append(cell)
    return done


def report(done: list[Cell]) -> str:
    """One column for each cell."""
    rows: list[list[object]] = [
        ["kills", *(cell.kills for cell in done)],
        ["completions acknowledged", *(len(cell.told.completions) for cell in done)],
        ["feedback acknowledged", *(len(cell.told.feedback) for cell in done)],
        ["rows of these, with candidates", *(cell.told.rows for cell in done)],
        ["uploads acknowledged", *(len(cell.told.uploads) for cell in done)],
        ["requests cut off", *(cell.told.cut_off for cell in done)],
        ["other answers than 200", *(_statuses(cell.told.refused) for cell in done)],
        ["**acknowledged rows and uploads lost**", *(f"**{len(cell.lost)}**" for cell in done)],
        ["log or index damaged, turns half there", *(len(cell.damaged) for cell in done)],
        ["seconds to start, median", *(f"{statistics.median(cell.starts):.1f}" for cell in done)],
    ]
    return table(["", *(cell.name for cell in done)], rows)


def _statuses(refused: Sequence[int]) -> str:
    counted = Counter(refused)
    return ", ".join(f"{number} × {status}" for status, number in counted.items()) or "0"


@click.command()
@click.option("--kills", default=100, show_default=True, help="Kills in all, the control's apart.")
@click.option("--two", default=10, show_default=True, help="So many of them with two processes.")
@click.option("--control", default=15, show_default=True, help="Kills of the control.")
@click.option("--seed", default=1, show_default=True, help="Seed of moments and requests.")
@click.option("--minutes", default=240.0, show_default=True, help="No kill is begun after these.")
@click.option("--write/--no-write", default=True, help="Whether docs/benchmarks.md is written.")
def main(kills: int, two: int, control: int, seed: int, minutes: float, write: bool) -> None:
    """Measure, and write the result."""
    plan: list[Plan] = [
        ("one process", 1, "durable", kills - two),
        ("control: `acknowledge: queued`", 1, "queued", control),
        ("two processes", 2, "durable", two),
    ]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        done = asyncio.run(cells(Path(folder), [one for one in plan if one[3]], seed, minutes))
    for cell in done:
        for problem in (*cell.damaged[:5], *sorted(cell.lost)[:5]):
            click.echo(f"{cell.name}: {problem}", err=True)
    command = (
        f"python -m benchmarks.kill --kills {kills} --two {two} --control {control} --seed {seed}"
    )
    publish("kill", command, report(done), write=write)
    if any(cell.lost or cell.damaged for cell in done if cell.acknowledge == "durable"):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
