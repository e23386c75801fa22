"""Prompts that ask nearly the same: 500 planted pairs and as many that only look alike, in one pool.

    python -m benchmarks.near_duplicates [--show]

Recall: planted pairs that are found. Precision: of all pairs that are taken for the same, those that were
planted; prompts of different pairs never ask the same. The rival is MinHash alone (datasketch's usual
recipe, word trigrams at a Jaccard similarity of 0.7) and equality after folding case and blanks.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import click

from benchmarks.report import publish, table
from feedback.hygiene.near_duplicates import Groups, near_duplicates
from feedback.hygiene.normal import normal
from feedback.hygiene.signatures import Signatures

CASES = Path(__file__).parent / "duplicate_cases"
Group = Callable[[list[str]], Groups]


@click.command()
@click.option("--show", is_flag=True, help="Print what was missed and what was wrongly joined.")
@click.option("--report/--no-report", default=True, help="Write docs/benchmarks.md.")
def main(show: bool, report: bool) -> None:
    """Measure recall and precision side by side with the usual ways."""
    rows = []
    for language in ("en", "zh"):
        lines = (CASES / f"{language}.jsonl").read_text("utf-8").splitlines()
        cases = [json.loads(line) for line in lines]
        for name, group in (
            ("Plumbline", _ours),
            ("MinHash, word trigrams, J ≥ 0.7", _shingled),
            ("equal after folding", _folded),
        ):
            rows.append([language, name, *_figures(cases, group, show and group is _ours)])
    header = ["", "", "planted", "found", "recall", "joined", "precision"]
    publish(
        "near-duplicates", "python -m benchmarks.near_duplicates", table(header, rows), write=report
    )


def _figures(cases: list[dict[str, str]], group: Group, show: bool) -> list[str]:
    texts = [case[side] for case in cases for side in ("a", "b")]
    groups = group(texts)
    members: dict[int, list[int]] = defaultdict(list)
    for number in range(len(texts)):
        members[groups.find(number)].append(number)
    joined = {pair for own in members.values() for pair in combinations(own, 2)}
    planted = {(2 * n, 2 * n + 1) for n, case in enumerate(cases) if case["duplicate"]}
    if show:
        for what, pairs in (("missed", planted - joined), ("wrong", joined - planted)):
            for one, other in sorted(pairs):
                click.echo(f"{what}: {texts[one][:200]!r} | {texts[other][:200]!r}")
    right = len(joined & planted)
    precision = f"{right / len(joined):.3f}" if joined else "–"
    return [
        str(len(planted)),
        str(right),
        f"{right / len(planted):.3f}",
        str(len(joined)),
        precision,
    ]


def _ours(texts: list[str]) -> Groups:
    normalised = [normal(text) for text in texts]
    signatures = Signatures()
    for text in normalised:
        signatures.add(text)
    return near_duplicates(signatures, normalised.__getitem__)


def _shingled(texts: list[str]) -> Groups:
    """All pairs compared, which is what MinHash with these shingles estimates."""
    found = [_trigrams(text) for text in texts]
    groups = Groups(len(texts))
    for one, other in combinations(range(len(texts)), 2):
        both = len(found[one] & found[other])
        if both and both / len(found[one] | found[other]) >= 0.7:
            groups.join(one, other)
    return groups


def _folded(texts: list[str]) -> Groups:
    groups, first = Groups(len(texts)), dict[str, int]()
    for number, text in enumerate(texts):
        groups.join(first.setdefault("".join(text.casefold().split()), number), number)
    return groups


def _trigrams(text: str) -> set[tuple[str, ...]]:
    words = text.casefold().split()
    units = words if len(words) > len(text) / 12 else list(text)
    return {tuple(units[i : i + 3]) for i in range(max(1, len(units) - 2))}


if __name__ == "__main__":
    main()
