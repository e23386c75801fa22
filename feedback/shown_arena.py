"""The table of wins on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from feedback.tables import add_row, new_table, print_shown

_WHY = {
    "same_version": "compare answers of one version",
    "imported": "name imported answers",
    "verified": "name verified answers, which no policy gave",
    "superseded": "were superseded",
    "waiting": "wait for their turn",
    "unfit": "name an answer to something else",
}


def show_arena(found: Mapping[str, Any]) -> None:
    """All versions, the strongest first, then who met whom, and what was left out."""
    if not found["versions"]:
        print_shown("Nobody has compared answers of different versions yet.")
    for group in range(found["groups"]):
        if found["groups"] > 1:
            print_shown(f"Group {group + 1}, which nothing connects with the others:")
        table = new_table("version", "strength", "win share", "wins", "losses", "ties")
        for one in found["versions"]:
            if one["group"] == group:
                add_row(table, *_cells(one))
        print_shown(table)
    if found["pairs"]:
        print_shown("")
        table = new_table("a", "b", "a preferred", "b preferred", "ties")
        for pair in found["pairs"]:
            add_row(table, *(pair[name] for name in ("a", "b", "wins_a", "wins_b", "ties")))
        print_shown(table)
    left_out = "; ".join(_left_out(found["left_out"]))
    if left_out:
        print_shown(f"Left out: {left_out}.")


def _cells(one: Mapping[str, Any]) -> Iterator[object]:
    share = one["win_share"]
    yield one["policy_version"]
    yield f"{one['strength']:+.2f} [{one['low']:+.2f}, {one['high']:+.2f}]"
    yield f"{100 * share['mean']:.0f} % [{100 * share['low']:.0f}, {100 * share['high']:.0f}]"
    yield from (one["wins"], one["losses"], one["ties"])


def _left_out(counts: Mapping[str, int]) -> Iterator[str]:
    for reason, number in counts.items():
        if number:
            yield f"{number} {_WHY[reason]}"
