"""Demonstrations that somebody sends one by one, not in a file; the rules are those of a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from feedback.imports.examples import examples_of
from feedback.imports.labels import Scale
from feedback.imports.messages import Unfit
from feedback.imports.records import Origin, Rows, records_of
from feedback.log import Log


@dataclass(slots=True)
class Taken:
    """What became of the examples: the ids of the turns that are new, and that were there already, and why
    which of the examples were rejected, by their place."""

    stored: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    rejected: list[tuple[int, str]] = field(default_factory=list)

    def to_wire(self) -> dict[str, Any]:
        """All of it for programs."""
        return {
            "stored": self.stored,
            "known": self.known,
            "rejected": [{"index": index, "reason": reason} for index, reason in self.rejected],
        }


async def take(
    log: Log, examples: Sequence[Mapping[str, Any]], origin: Origin, *, dry_run: bool = False
) -> Taken:
    """Store demonstrations, all good ones in one transaction; a dry run checks only, and calls all `stored`
    that fit.

    Raises:
        StorageFailed: none of them is durable.
    """
    taken = Taken()
    found: list[Rows] = []
    for index, fields in enumerate(examples):
        try:
            found += _records(fields, origin)
        except Unfit as error:
            taken.rejected.append((index, str(error)))
    new = [True] * len(found) if dry_run else await log.write_imports(found)
    for (turn, _), is_new in zip(found, new, strict=True):
        (taken.stored if is_new else taken.known).append(turn.id)
    return taken


def _records(fields: Mapping[str, Any], origin: Origin) -> list[Rows]:
    given = {name: value for name, value in fields.items() if value is not None}
    examples = examples_of(given, None, Scale())
    if any(example.kind != "correction" for example in examples):
        raise Unfit(
            "it ranks or rates answers and is no demonstration; import it with `plumbline feedback import`"
        )
    try:
        return [records_of(example, origin) for example in examples]
    except (orjson.JSONEncodeError, RecursionError) as error:
        raise Unfit(f"it can't be stored as JSON: {error}") from error
