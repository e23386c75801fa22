"""A file goes into the log, in batches: looked over once for its length and the scale of its ratings, then read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from contract.progress import Progress
from feedback.imports.columns import LABELS, READ
from feedback.imports.examples import Format, examples_of
from feedback.imports.labels import Scale, label_of
from feedback.imports.messages import Unfit
from feedback.imports.records import Origin, Rows, records_of
from feedback.imports.rows import Row, rows_of
from feedback.log import Log

OnProblem = Callable[[Path, int, str], None]

# One transaction: long enough to be quick, short enough that a server that runs meanwhile waits for it
# only some tens of milliseconds.
_BATCH = 500
_BATCH_CHARS = 4_000_000

# Different numbers that a file's ratings are remembered by, and columns that are named at the end.
_MOST_NUMBERS = 16
_MOST_COLUMNS = 20


@dataclass(slots=True)
class Outcome:
    """What became of a file: examples that are new, examples that were there already, rows that failed."""

    path: Path
    rows: int = 0
    added: int = 0
    known: int = 0
    failed: int = 0
    unread_columns: set[str] = field(default_factory=set)

    def to_wire(self) -> dict[str, Any]:
        """All of it for programs."""
        return {
            "path": str(self.path),
            "rows": self.rows,
            "added": self.added,
            "known": self.known,
            "failed": self.failed,
            "unread_columns": sorted(self.unread_columns),
        }


def import_file(
    log: Log | None,
    path: Path,
    form: Format | None,
    origin: Origin,
    progress: Progress,
    on_problem: OnProblem,
) -> Outcome:
    """Store the examples of a file; what is bad is named and left out. Without a log it is only checked.

    Raises:
        StorageFailed: the log took no more; what was stored stays, and is known when the file is read again.
    """
    total, scale = _survey(path)
    outcome = Outcome(path)

    async def run() -> None:
        for batch in _batches(_rows(path, form, scale, origin, outcome, on_problem)):
            if log is None:
                outcome.added += len(batch)
            else:
                new = await log.write_imports(batch)
                outcome.added += sum(new)
                outcome.known += len(new) - sum(new)
            progress("importing", outcome.rows, total)

    asyncio.run(run())
    return outcome


def _survey(path: Path) -> tuple[int, Scale]:
    """How many rows there are, and which numbers their labels."""
    total = 0
    numbers: set[int] = set()
    for row in rows_of(path):
        total += 1
        for column in LABELS[:2]:
            if row.fields and column in row.fields and len(numbers) < _MOST_NUMBERS:
                try:
                    label = label_of(row.fields[column], column)
                except Unfit:
                    continue
                if isinstance(label, int) and not isinstance(label, bool):
                    numbers.add(label)
    return total, Scale(numbers)


def _rows(
    path: Path,
    form: Format | None,
    scale: Scale,
    origin: Origin,
    outcome: Outcome,
    on_problem: OnProblem,
) -> Iterator[Rows]:
    for row in rows_of(path):
        outcome.rows += 1
        try:
            # All examples of a row, or none.
            found = _records(row, form, scale, origin)
        except Unfit as error:
            outcome.failed += 1
            on_problem(path, row.number, str(error))
            continue
        unread = (row.fields or {}).keys() - READ
        outcome.unread_columns.update(sorted(unread)[: _MOST_COLUMNS - len(outcome.unread_columns)])
        yield from found


def _records(row: Row, form: Format | None, scale: Scale, origin: Origin) -> list[Rows]:
    if row.fields is None:
        raise Unfit(row.problem)
    try:
        return [records_of(example, origin) for example in examples_of(row.fields, form, scale)]
    except (orjson.JSONEncodeError, RecursionError) as error:
        raise Unfit(f"it can't be stored as JSON: {error}") from error


def _batches(examples: Iterator[Rows]) -> Iterator[list[Rows]]:
    batch: list[Rows] = []
    chars = 0
    for example in examples:
        batch.append(example)
        chars += len(example[0].question) + sum(len(c.text) for c in example[0].candidates)
        if len(batch) == _BATCH or chars > _BATCH_CHARS:
            yield batch
            batch, chars = [], 0
    if batch:
        yield batch
