"""What people read after a replay: tables of numbers and ids."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

_WIDE = 120


def show(summary: Mapping[str, Any]) -> None:
    """Print a summary."""
    width = None if sys.stdout.isatty() else _WIDE
    Console(highlight=False, width=width).print(Group(*_blocks(summary)), markup=False)


def _blocks(summary: Mapping[str, Any]) -> list[RenderableType]:
    changed = ", ".join(f"{name} {n:,}" for name, n in summary["changed"].items())
    blocks: list[RenderableType] = [
        Text(
            f"{summary['turns']:,} turns replayed, {summary['flipped']:,} flip"
            + (f" ({changed})" if changed else "")
            + f", {summary['failed']:,} failed"
        )
    ]
    blocks += [
        Text(f"  left out: {number:,} turns, {why}") for why, number in summary["left_out"].items()
    ]
    blocks += [Text(f"  failed: {n:,} turns, {why}") for why, n in summary["failures"].items()]
    if otherwise := summary["decided_otherwise_in_the_log"]:
        blocks.append(
            Text(
                f"  {otherwise:,} turns were decided otherwise when they were logged: by other versions, or "
                "because time ran out."
            )
        )
    for title, name in (("decision", "decisions"), ("class", "classes")):
        if summary[name]:
            blocks += [Text(), _matrix(title, summary[name])]
    blocks += [Text(), Text(_reward(summary["reward"]))]
    blocks += [Text(f"  {line}") for line in _ranked(summary)]
    if summary["passages"]:
        blocks.append(Text("\nPassages: " + _listed(summary["passages"])))
    blocks.append(Text("\nCost: " + _cost(summary["cost"])))
    return blocks


def _matrix(title: str, counts: Mapping[str, Mapping[str, int]]) -> Table:
    after = sorted({name for row in counts.values() for name in row})
    table = Table(box=None)
    table.add_column(f"{title}: before ↓  after →")
    for name in after:
        table.add_column(name, justify="right")
    for name, row in counts.items():
        table.add_row(name, *(f"{row[other]:,}" if other in row else "" for other in after))
    return table


def _reward(reward: Mapping[str, Any]) -> str:
    if not reward["pairs"]:
        return "Mean reward: nothing was judged on both sides."
    line = (
        f"Mean reward: {reward['before']:.3f} before, {reward['after']:.3f} after, "
        f"difference {reward['difference']:+.3f}"
    )
    if reward["interval"] is not None:
        low, high = reward["interval"]
        line += f" (95 % interval {low:+.3f} to {high:+.3f}, {reward['pairs']:,} pairs)"
    return line


def _ranked(summary: Mapping[str, Any]) -> list[str]:
    return [
        f"{name}: {found['difference']:+.3f}  {found['id']}"
        for name in ("worst", "best")
        for found in summary[name]
    ]


def _cost(cost: Mapping[str, Any]) -> str:
    line = f"{cost['seconds']:.1f} s, of which judging {cost['judge_seconds']:.1f} s"
    policy = cost["policy"]
    if policy is None:
        return line + "; the policy was not asked"
    return line + (
        f"; the policy was asked {policy['requests']:,} times ({policy['failed']:,} failed), "
        f"{policy['prompt_tokens']:,} tokens read, {policy['completion_tokens']:,} written, "
        f"{policy['seconds']:.1f} s of answering"
    )


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number:,} {name}" for name, number in counts.items())
