"""The README of a run, for people."""

from __future__ import annotations

from training.runs.card import RunCard

_SHOWN = 40


def readme_of(card: RunCard) -> str:
    """What was trained, from what, with what result."""
    lines = [
        f"# {card.name}",
        "",
        f"A run of `plumbline train {card.kind}`, round {card.round}, made {card.made} from "
        f"`{card.parent.name}` in {card.seconds:.0f} seconds and {card.steps} steps.",
        "",
        *(f"{note}\n" for note in card.notes),
        "![curves](curves.png)",
        "",
        "| figure | at the end |",
        "|---|---|",
        *(f"| {name} | {value:.4g} |" for name, value in list(card.metrics.items())[:_SHOWN]),
        "",
        "| option | value |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in card.options.items() if value is not None),
        "",
        "| file | SHA-256 |",
        "|---|---|",
        *(f"| {path} | `{digest[:16]}…` |" for path, digest in card.data.items()),
        "",
        f"Result: `{card.weights}/` (`{card.digest[:16]}…`). `run.json` has all of this for programs.",
        "",
    ]
    return "\n".join(lines)
