"""Personal data in natural text: what is found of 300 planted pieces, and what is found that is none.

    python -m benchmarks.privacy [--show]

A piece counts as found where at least half of it is marked, which is what drops a row; `whole` counts those of
which nothing but punctuation stays, as redacting needs. A mark that touches no planted piece is a false one.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import click

from benchmarks.report import publish, table
from text.private_data import private_data

CASES = Path(__file__).parent / "privacy_cases"
_NAMES = {"email": "mail", "card_number": "card", "iban": "account"}


@click.command()
@click.option("--show", is_flag=True, help="Print what was missed and what was wrongly marked.")
@click.option("--report/--no-report", default=True, help="Write docs/benchmarks.md.")
def main(show: bool, report: bool) -> None:
    """Measure recall and precision, in all and by kind."""
    rows = []
    for folder in ("", "second", "third", "fourth", "fifth"):
        for language in ("en", "zh"):
            path = CASES / folder / f"{language}.jsonl"
            cases = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
            rows += _rows(f"{language} {folder}".strip(), cases, show)
    made = table(["", "kind", "planted", "found", "recall", "whole", "marked", "precision"], rows)
    publish("privacy", "python -m benchmarks.privacy", made, write=report)


def _rows(language: str, cases: list[dict[str, Any]], show: bool) -> list[list[str]]:
    planted: Counter[str] = Counter()
    found: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    marked: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for case in cases:
        text, spans = case["text"], list(_spans(case))
        data = private_data(text)
        covered = {place for datum in data for place in range(datum.start, datum.end)}
        for kind, start, end in spans:
            planted[kind] += 1
            share = len(covered & set(range(start, end))) / (end - start)
            found[kind] += share >= 0.5
            rest = "".join(text[i] for i in range(start, end) if i not in covered)
            whole[kind] += share >= 0.5 and not re.search(r"\w", rest)
            if show and share < 0.5:
                click.echo(f"{case['id']} missed {kind}: {text[max(0, start - 30) : end + 15]!r}")
            elif show and re.search(r"\w", rest):
                click.echo(f"{case['id']} in part {kind}: {text[start:end]!r} leaves {rest!r}")
        for datum in data:
            marked[datum.kind] += 1
            touches = any(start < datum.end and datum.start < end for _, start, end in spans)
            right[datum.kind] += touches
            if show and not touches:
                part = text[max(0, datum.start - 25) : datum.end + 15]
                click.echo(
                    f"{case['id']} wrong {datum.kind}: {text[datum.start : datum.end]!r} in {part!r}"
                )
    rows = [
        _row(language, kind, planted[kind], found[kind], whole[kind], marked[kind], right[kind])
        for kind in sorted(planted)
    ]
    sums = [sum(c.values()) for c in (planted, found, whole, marked, right)]
    return [*rows, _row(language, "**all**", *sums)]


def _row(
    language: str, kind: str, planted: int, found: int, whole: int, marked: int, right: int
) -> list[str]:
    recall = f"{found / planted:.3f}"
    precision = f"{right / marked:.3f}" if marked else "–"
    return [
        language,
        kind,
        str(planted),
        str(found),
        recall,
        f"{whole / planted:.3f}",
        str(marked),
        precision,
    ]


def _spans(case: dict[str, Any]) -> list[tuple[str, int, int]]:
    found, position = [], 0
    for span in case["spans"]:
        start = case["text"].index(span["text"], position)
        position = start + len(span["text"])
        found.append((_NAMES.get(span["kind"], span["kind"]), start, position))
    return found


if __name__ == "__main__":
    main()
