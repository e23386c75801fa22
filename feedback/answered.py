"""Answered turns by their ids, page by page: for work that takes longer than a read of the log may.

A reader that stays open keeps the log from being tidied up, so none does.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from contract.verified import VERSION
from feedback.log import Log
from feedback.options import Selection
from feedback.turns import condition

_PAGE = 1000


def count_answered(log: Log, selection: Selection) -> int:
    """How many of the selected turns have an answer of this server's."""
    where, values = _answered(selection)
    with log.reading() as connection:
        (count,) = connection.execute(
            f"SELECT count(*) FROM completion WHERE {where}", values
        ).fetchone()
    return int(count)


def answered_ids(log: Log, selection: Selection) -> Iterator[str]:
    """Their ids, the newest first."""
    where, values = _answered(selection)
    before = "~"  # behind every id
    while True:
        with log.reading() as connection:
            rows = connection.execute(
                f"SELECT id FROM completion WHERE {where} AND id < ? ORDER BY id DESC LIMIT {_PAGE}",
                [*values, before],
            ).fetchall()
        for row in rows:
            yield row["id"]
        if len(rows) < _PAGE:
            return
        before = rows[-1]["id"]


def drawn(ids: Iterator[str], total: int, sample: int | None, seed: int) -> Iterator[str]:
    """A sample of `total` ids; None takes all. Each is drawn when it goes by, with the chance that leaves
    every sample equally likely (Knuth, Seminumerical Algorithms, 3.4.2, algorithm S)."""
    chance = random.Random(seed)
    wanted, left = total if sample is None else min(sample, total), total
    for identifier in ids:
        if left * chance.random() < wanted:
            wanted -= 1
            yield identifier
        left -= 1


def _answered(selection: Selection) -> tuple[str, list[Any]]:
    """Imported turns were never answered here, failed ones not at all, and some by verified answers."""
    where, values = condition(selection)
    return (
        f"{where} AND decision != 'error' AND id < 'import-' "
        f"AND substr(policy_version, 1, {len(VERSION)}) != '{VERSION}'",
        values,
    )
