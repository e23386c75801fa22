"""Versions, gates and comparisons on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

# A program that reads our lines gets them whole; a person gets them folded to the window.
_WIDE = 240
_LATEST = 10

_OUTCOMES = ("served", "refused", "declined", "abstained", "regenerated", "review")


def show_listing(found: Mapping[str, Any]) -> None:
    """All versions with their places, and the latest of the history."""
    table = _table("version", "place", "share", "rank", "trained on", "stored (UTC)")
    for one in found["data"]:
        of = one.get("policy_version")
        name = f"{one['version']} ({of})" if of not in (None, one["version"]) else one["version"]
        place = f"{one['place']}, its files are gone" if one.get("missing") else one["place"]
        share = f"{one['share']:g} %" if one["share"] or one["place"] == "candidate" else ""
        kind = (one.get("rank", ""), one.get("base", ""), str(one.get("stored", ""))[:16])
        _add(table, name, place, share, *kind)
    _print(table)
    if not found["history"]:
        return
    _print("")
    table = _table(
        "when (UTC)", "who", "what", "version", "share", "in service then", "forced", "reason"
    )
    for entry in found["history"][-_LATEST:]:
        forced = f"past {len(entry['forced'])} gates" if entry["forced"] else ""
        cells = (entry["what"], entry["version"], f"{entry['share']:g} %", entry["service"])
        _add(table, entry["at"][:16], entry["who"], *cells, forced, entry["reason"])
    _print(table)


def show_gates(gates: Sequence[Mapping[str, Any]]) -> None:
    """Each gate, and what was found."""
    table = _table("gate", "", "found")
    for gate in gates:
        _add(table, gate["name"], "passed" if gate["passed"] else "FAILED", gate["found"])
    if gates:
        _print(table)


def show_comparison(found: Mapping[str, Any]) -> None:
    """Both versions, and the difference with its 95 % interval."""
    a, b, differences = found["a"], found["b"], found["differences"]
    table = _table("", a["version"], b["version"], "difference, 95 % interval")
    _add(table, "turns", a["turns"], b["turns"], "")
    for name in _OUTCOMES:
        sides = [_share(side[name], side["shares"][name]) for side in (a, b)]
        _add(table, name, *sides, _points(differences[name]))
    _add(table, "failed", a["failed"], b["failed"], "")
    rewards = [_number(side["mean_reward"], side["mean_reward_n"]) for side in (a, b)]
    _add(table, "mean reward", *rewards, _interval(differences["reward"]))
    thumbs = [_share(side["thumbs_up"], side["thumbs_up_share"]) for side in (a, b)]
    _add(table, "thumbs up", *thumbs, _points(differences["thumbs_up"]))
    _print(table)
    _print(_pairs(found))


def _pairs(found: Mapping[str, Any]) -> str:
    pairs, share = found["pairs"], found["pairs"]["b_share"]
    if share is None:
        return "Nobody has compared answers of the two to one question yet."
    wins, all_ = pairs["b_preferred"], pairs["b_preferred"] + pairs["a_preferred"]
    low, high = 100 * share["low"], 100 * share["high"]
    return (
        f"People preferred {found['b']['version']} in {wins} of {all_} pairs: "
        f"{100 * share['mean']:.0f} % [{low:.0f}, {high:.0f}]."
    )


def _share(hits: int, share: Mapping[str, float] | None) -> str:
    return "" if share is None else f"{hits} ({100 * share['mean']:.1f} %)"


def _number(value: float | None, count: int) -> str:
    return "" if value is None else f"{value:+.3f} (n={count})"


def _points(interval: Mapping[str, float] | None) -> str:
    if interval is None:
        return ""
    values = [100 * interval[name] for name in ("mean", "low", "high")]
    return "{:+.1f} points [{:+.1f}, {:+.1f}]".format(*values)


def _interval(interval: Mapping[str, float] | None) -> str:
    if interval is None:
        return ""
    return "{mean:+.3f} [{low:+.3f}, {high:+.3f}]".format(**interval)


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in names:
        table.add_column(name, overflow="fold")
    return table


def _add(table: Table, *cells: object) -> None:
    """A row of plain text: nothing in it is markup."""
    table.add_row(*(Text(str(cell)) for cell in cells))


def _print(what: Table | str) -> None:
    width = None if sys.stdout.isatty() else _WIDE
    console = Console(file=sys.stdout, width=width, highlight=False, emoji=False)
    console.print(what if isinstance(what, Table) else Text(what))
