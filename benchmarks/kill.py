"""Is what the server acknowledged there after `kill -9`?

    python -m benchmarks.kill

Clients ask (whole, both kinds of stream) and rate all the time; at a random moment the server and all its
processes are killed, and started again. Then each completion that a client was told of, all its candidates, and
all feedback must be in the log, the log and the index must be whole, and the API must show the turns. Every
fifth run uploads a document first, so that an ingest is under way. The mock model server answers at once or after
some milliseconds; the judge is off, and documents are searched for one question in ten, so that rows come as fast
as they can. The control, `log.acknowledge: queued`, acknowledges rows before they are durable: a measurement
that finds no loss there proves little.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
from pathlib import Path

import click

from benchmarks.gateway.engine import Script
from benchmarks.gateway.processes import ROOT
from benchmarks.gateway.targets import engine
from benchmarks.killed import Cell
from benchmarks.report import publish, table
from contract.settings import RetrievalSettings
from ingest.build import Ingest
from text.encoder import Encoder

_DELAYS = (0.0, 0.0, 0.003, 0.03)
SCRIPTS = [
    Script(f"Answer {number}. " + "Each employee gets 80 working days. " * (number % 7), delay)
    for number, delay in enumerate(_DELAYS * 6)
]


async def cells(folder: Path, kills: int, control: int, seed: int) -> list[Cell]:
    """One and two processes, and the control, each on a data folder of its own."""
    encoder, dice = Encoder(), random.Random(seed)
    plan = (
        ("one process", 1, "durable", kills - kills // 4),
        ("two processes", 2, "durable", kills // 4),
        ("control: `acknowledge: queued`", 1, "queued", control),
    )
    done = []
    async with engine(SCRIPTS, folder) as upstream:
        for number, (name, workers, acknowledge, times) in enumerate(plan):
            own = folder / str(number)
            index = own / "index"
            Ingest(index, encoder, RetrievalSettings()).run(
                [ROOT / "examples" / "handbook"], "default"
            )
            cell = Cell(name, own, upstream, index, encoder, workers, acknowledge)
            await cell.run(times, dice)
            done.append(cell)
    return done


def report(done: list[Cell]) -> str:
    """One column for each cell."""
    rows: list[list[object]] = [
        ["kills", *(cell.kills for cell in done)],
        ["completions acknowledged", *(len(cell.told.completions) for cell in done)],
        ["feedback acknowledged", *(len(cell.told.feedback) for cell in done)],
        ["rows of these, with candidates", *(cell.told.rows for cell in done)],
        ["uploads acknowledged", *(len(cell.told.documents) for cell in done)],
        ["requests cut off", *(cell.told.cut_off for cell in done)],
        ["other answers than 200", *(len(cell.told.refused) for cell in done)],
        ["**acknowledged rows and uploads lost**", *(f"**{len(cell.lost)}**" for cell in done)],
        ["log or index damaged, turns half there", *(len(cell.damaged) for cell in done)],
        ["seconds to start, median", *(f"{statistics.median(cell.starts):.1f}" for cell in done)],
    ]
    return table(["", *(cell.name for cell in done)], rows)


@click.command()
@click.option("--kills", default=100, show_default=True, help="A quarter with two processes.")
@click.option("--control", default=20, show_default=True, help="Kills of the control.")
@click.option("--seed", default=1, show_default=True, help="Seed of moments and requests.")
@click.option("--write/--no-write", default=True, help="Whether docs/benchmarks.md is written.")
def main(kills: int, control: int, seed: int, write: bool) -> None:
    """Measure, and write the result."""
    with tempfile.TemporaryDirectory() as folder:
        done = asyncio.run(cells(Path(folder), kills, control, seed))
    for cell in done:
        for problem in (*cell.damaged[:5], *sorted(cell.lost)[:5]):
            click.echo(f"{cell.name}: {problem}", err=True)
    command = f"python -m benchmarks.kill --kills {kills} --control {control} --seed {seed}"
    publish("kill", command, report(done), write=write)
    if any(cell.lost or cell.damaged for cell in done if cell.acknowledge == "durable"):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
