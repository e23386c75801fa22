"""Rows that were acknowledged are there after `kill -9`, and the benchmark that says so would see a loss."""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from benchmarks.acknowledged import Told
from benchmarks.gateway.targets import engine
from benchmarks.kill import SCRIPTS
from benchmarks.killed import Cell, launcher
from feedback.log import Log
from tests.feedback.test_log import completion, feedback, write
from text.encoder import Encoder


def test_nothing_that_was_acknowledged_is_lost_by_kills(
    tmp_path: Path, data_dir: Path, encoder: Encoder
) -> None:
    shutil.copytree(data_dir / "index", tmp_path / "index")

    async def run() -> Cell:
        async with engine(SCRIPTS, tmp_path) as upstream:
            with launcher() as start:
                cell = Cell("", tmp_path, upstream, tmp_path / "index", encoder, start, 1)
                await cell.run(2, random.Random(5))
        return cell

    cell = asyncio.run(run())
    assert cell.kills == 2
    assert cell.told.completions and cell.told.feedback and cell.told.uploads
    assert (cell.lost, cell.damaged) == (set(), [])


def test_a_row_that_is_gone_is_named(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    log, told = Log(path), Told()
    for _ in range(3):
        record = completion()
        said = feedback(record.id, "rating", value=True)
        write(log, record, said)
        told.completions[record.id] = frozenset(one.id for one in record.candidates)
        told.feedback[said.id] = record.id
    log.close()
    assert told.rows == 12
    assert told.missing(path) == set()
    first, second, third = told.completions
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DELETE FROM completion WHERE id = ?", (first,))
        connection.execute("DELETE FROM candidate WHERE id = ?", (f"{second}-1",))
        connection.execute(
            "UPDATE feedback SET completion_id = ? WHERE completion_id = ?", (second, third)
        )
    moved = next(name for name, owner in told.feedback.items() if owner == third)
    assert told.missing(path) == {first, f"{second}-1", moved}
