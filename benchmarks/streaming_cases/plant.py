"""Plants violating sentences into harmless answers: the cases of guarded streaming.

`planted` builds 500 cases, each one violation of `violations.jsonl` inside one answer of
`carriers.jsonl`, and says where the violating sentence lies; `harmless` gives the answers as they
are. Everything follows from the seed: the same seed gives the same cases.

Half of the cases are English, half Chinese; a violation only goes into an answer of its language.
In each language 100 are sentences of prose, 50 lines of code, 50 rows of a table and 50 pairs of
sentences of which only the second completes the violation. Sentences are joined in three layouts:
run on, one to a line, or with a blank line between them. A sentence that ends without any mark
never runs on into the next one.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, TypeVar

Layout = Literal["run on", "line break", "blank line"]

HERE = Path(__file__).resolve().parent
LANGUAGES = ("en", "zh")
COUNTS = {"prose": 100, "code": 50, "table": 50, "split": 50}
LAYOUTS: tuple[Layout, ...] = ("run on", "line break", "blank line")
DECILES = tuple(f"decile {number}" for number in range(1, 11))
BESIDE_BLOCKS = ("before code", "after code", "before table", "after table")
PROSE_PLACES = ("first", *DECILES, "last", "after heading", *BESIDE_BLOCKS)
BLOCK_PLACES = {"first": 0.0, "early": 0.25, "middle": 0.5, "late": 0.75, "last": 1.0}
HEADINGS = {"en": "## Please note", "zh": "## 补充说明"}
LIST_ITEM = re.compile(r"(\d+\.|-) ")

T = TypeVar("T")


@dataclass(frozen=True)
class Case:
    """An answer with one violation in it; `text[start:end]` is the violating sentence."""

    id: str
    language: str
    kind: str
    form: str
    position: str
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Violation:
    """What is planted: one text, or two of which the second completes the violation."""

    id: str
    language: str
    kind: str
    form: str
    texts: tuple[str, ...]
    syntax: str


@dataclass(frozen=True)
class Unit:
    """A sentence, heading, line of code or row of a table; `indent` stands before its text."""

    text: str
    block: str = "prose"
    indent: str = ""


@dataclass(frozen=True)
class Carrier:
    """A harmless answer: its units, and the block it holds beside prose ("prose": none)."""

    id: str
    language: str
    block: str
    syntax: str
    units: tuple[Unit, ...]


def planted(seed: int = 7) -> list[Case]:
    """The 500 cases of this seed, each with a violation at a known place."""
    rng = random.Random(seed)
    violations, carriers = load_violations(), load_carriers()
    cases: list[Case] = []
    for language in LANGUAGES:
        ours = [carrier for carrier in carriers if carrier.language == language]
        for form, count in COUNTS.items():
            fitting = [v for v in violations if (v.language, v.form) == (language, form)]
            cases += _cases(fitting, ours, count, len(cases), rng)
    return cases


def harmless(seed: int = 7) -> list[str]:
    """The texts of all carriers, in layouts that the seed deals out evenly."""
    layouts = _rounds(LAYOUTS, random.Random(seed))
    return [
        _render(carrier.units, next(layouts), carrier.language)[0] for carrier in load_carriers()
    ]


def load_violations() -> list[Violation]:
    """All violations, in the order of the file."""
    return [
        Violation(
            id=row["id"],
            language=row["language"],
            kind=row["kind"],
            form=row["form"],
            texts=tuple(row["texts"]) if "texts" in row else (row["text"],),
            syntax=row.get("syntax", ""),
        )
        for row in _rows("violations.jsonl")
    ]


def load_carriers() -> list[Carrier]:
    """All harmless answers, in the order of the file."""
    return [_carrier(row) for row in _rows("carriers.jsonl")]


def _rows(name: str) -> list[dict[str, Any]]:
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line]


def _carrier(row: dict[str, Any]) -> Carrier:
    blocks = row.get("blocks") or [{"kind": "prose", "lines": row["sentences"]}]
    units = tuple(Unit(line, block["kind"]) for block in blocks for line in block["lines"])
    special = next((unit for unit in units if unit.block != "prose"), Unit(""))
    syntax = special.text.removeprefix("```") if special.block == "code" else ""
    return Carrier(row["id"], row["language"], special.block, syntax, units)


def _rounds(items: tuple[T, ...] | list[T], rng: random.Random) -> Iterator[T]:
    """The items for ever, round after round, each round in an order of its own."""
    while True:
        yield from rng.sample(items, len(items))


def _cases(
    violations: list[Violation],
    carriers: list[Carrier],
    count: int,
    done: int,
    rng: random.Random,
) -> Iterator[Case]:
    dealt = _rounds(violations, rng)
    hosts: dict[tuple[str, str], Iterator[Carrier]] = {}
    used: set[tuple[str, str, Layout]] = set()
    for number in range(count):
        violation = next(dealt)
        places = _places(violation.form)
        place = places[number % len(places)]
        layout = _layout(violation, place, number // len(places), used)
        key = (_host_block(violation.form, place), violation.syntax)
        if key not in hosts:
            hosts[key] = _rounds(_fitting(carriers, *key), rng)
        yield _case(done + number + 1, violation, next(hosts[key]), place, layout, rng)


def _layout(
    violation: Violation, place: str, turn: int, used: set[tuple[str, str, Layout]]
) -> Layout:
    """The layout whose turn it is, or the next one in which this violation was not here yet."""
    turns = [LAYOUTS[(turn + step) % len(LAYOUTS)] for step in range(len(LAYOUTS))]
    layout = next(each for each in turns if (violation.id, place, each) not in used)
    used.add((violation.id, place, layout))
    return layout


def _places(form: str) -> tuple[str, ...]:
    if form in ("code", "table"):
        return tuple(f"{place} in {form}" for place in BLOCK_PLACES)
    return PROSE_PLACES


def _host_block(form: str, place: str) -> str:
    if form in ("code", "table"):
        return form
    return place.split()[1] if place in BESIDE_BLOCKS else "prose"


def _fitting(carriers: list[Carrier], block: str, syntax: str) -> list[Carrier]:
    return [
        carrier
        for carrier in carriers
        if carrier.block == block and (not syntax or carrier.syntax == syntax)
    ]


def _case(
    number: int,
    violation: Violation,
    carrier: Carrier,
    place: str,
    layout: Layout,
    rng: random.Random,
) -> Case:
    index = _index(carrier, place, rng)
    new = _new_units(violation, carrier, place, index)
    units = (*carrier.units[:index], *new, *carrier.units[index:])
    text, starts = _render(units, layout, carrier.language)
    start = starts[index + len(new) - 1]
    return Case(
        id=f"{number:03d}:{violation.id}:{carrier.id}",
        language=violation.language,
        kind=violation.kind,
        form=violation.form,
        position=f"{place}, {layout}",
        text=text,
        start=start,
        end=start + len(violation.texts[-1]),
    )


def _index(carrier: Carrier, place: str, rng: random.Random) -> int:
    """Before which unit of the carrier the violation goes."""
    size = len(carrier.units)
    if place in ("first", "last"):
        return 0 if place == "first" else size
    if place in DECILES:
        upper = size * int(place.split()[1]) // 10
        return min(upper - rng.randrange(2), size - 1)
    if place == "after heading":
        return rng.randrange(1, size)
    inside = [at for at, unit in enumerate(carrier.units) if unit.block == carrier.block]
    if place in BESIDE_BLOCKS:
        return inside[0] if place.startswith("before") else inside[-1] + 1
    return _index_inside(inside, carrier.block, BLOCK_PLACES[place.split()[0]])


def _index_inside(inside: list[int], block: str, share: float) -> int:
    """Between the two fences of code, or below the head of a table."""
    low, high = inside[1], inside[-1]
    if block == "table":
        low, high = inside[2], inside[-1] + 1
    return low + round((high - low) * share)


def _new_units(violation: Violation, carrier: Carrier, place: str, index: int) -> list[Unit]:
    if violation.form == "code":
        return [Unit(violation.texts[0], "code", _indent(carrier.units, index))]
    if violation.form == "table":
        return [Unit(violation.texts[0], "table")]
    heading = [Unit(HEADINGS[carrier.language], "heading")] if place == "after heading" else []
    return heading + [Unit(text) for text in violation.texts]


def _indent(units: tuple[Unit, ...], index: int) -> str:
    """The indent of the next line of code, of the line before where the block ends."""
    after = next(unit.text for unit in units[index:] if unit.text)
    line = units[index - 1].text if after == "```" else after
    return line[: len(line) - len(line.lstrip())]


def _render(units: tuple[Unit, ...], layout: Layout, language: str) -> tuple[str, list[int]]:
    """The text, and where in it each unit begins (behind its indent)."""
    text = units[0].indent + units[0].text
    starts = [len(units[0].indent)]
    for left, right in pairwise(units):
        text += _gap(left, right, layout, language) + right.indent
        starts.append(len(text))
        text += right.text
    return text, starts


def _gap(left: Unit, right: Unit, layout: Layout, language: str) -> str:
    """What stands between two units; only sentences of prose ever run on."""
    if left.block == right.block and left.block != "prose":
        return "\n"
    if layout == "blank line" or left.block == "table":
        return "\n\n"  # without it, what follows a table would be one more row
    if layout == "line break" or not _runs_on(left, right):
        return "\n"
    return " " if language == "en" else ""


def _runs_on(left: Unit, right: Unit) -> bool:
    listed = LIST_ITEM.match(left.text) or LIST_ITEM.match(right.text)
    return left.block == right.block and not listed and not left.text[-1].isalnum()
