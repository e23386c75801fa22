"""The data card of an export: for programs as JSON, for people as Markdown."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from feedback.options import Counts, Options

TRAINERS = {
    "sft": ("SFTTrainer", "prompt, completion"),
    "rm": ("RewardTrainer", "prompt, chosen, rejected"),
    "dpo": ("DPOTrainer", "prompt, chosen, rejected"),
    "kto": ("KTOTrainer", "prompt, completion, label"),
    "grpo": ("GRPOTrainer", "prompt, and columns for the reward functions"),
}


def write_card(folder: Path, options: Options, counts: Counts) -> None:
    """Write `card.json` and `README.md`. No date: the same export gives the same bytes."""
    card = {
        "format": options.kind,
        "options": asdict(options),
        "turns_read": counts.turns,
        "rows": dict(sorted(counts.rows.items())),
        "sources": dict(sorted(counts.sources.items())),
        "dropped_turns": dict(sorted(counts.dropped.items())),
        "provenance": {n: dict(sorted(c.items())) for n, c in sorted(counts.versions.items())},
        "files": {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.glob("*.jsonl"))
        },
    }
    (folder / "card.json").write_bytes(orjson.dumps(card, option=orjson.OPT_INDENT_2) + b"\n")
    (folder / "README.md").write_text(_markdown(card), encoding="utf-8")


def _markdown(card: Mapping[str, Any]) -> str:
    trainer, columns = TRAINERS[card["format"]]
    lines = [
        f"# Preference data: {card['format']}",
        "",
        f"For TRL's `{trainer}` (columns: {columns}; further columns say where a row came from).",
        "",
        "| | |",
        "|---|---|",
        f"| turns read | {card['turns_read']} |",
        *[f"| rows in {name} | {count} |" for name, count in card["rows"].items()],
        *[f"| rows from {name} | {count} |" for name, count in card["sources"].items()],
        *[f"| turns left out: {why} | {n} |" for why, n in card["dropped_turns"].items()],
        "",
        "## Provenance",
        "",
        *[
            f"- {name}: {', '.join(f'`{v}` ({n} turns)' for v, n in versions.items())}"
            for name, versions in card["provenance"].items()
        ],
        "",
        "Texts stand as they were logged: personal data is neither removed nor masked.",
        "",
    ]
    return "\n".join(lines)
