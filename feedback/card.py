"""The data card of an export: for programs as JSON, for people as Markdown."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from feedback.counts import Counts
from feedback.options import Options

TRAINERS = {
    "sft": ("TRL's `SFTTrainer`", "prompt, completion"),
    "rm": ("TRL's `RewardTrainer`", "prompt, chosen, rejected"),
    "dpo": ("TRL's `DPOTrainer`", "prompt, chosen, rejected"),
    "kto": ("TRL's `KTOTrainer`", "prompt, completion, label"),
    "grpo": ("TRL's `GRPOTrainer`", "prompt, and columns for the reward functions"),
    "openai-dpo": (
        "OpenAI's preference fine-tuning",
        "input, preferred_output, non_preferred_output",
    ),
    "labels": ("`plumbline rubric agree`", "messages, passages, answers, labels"),
    "ladders": ("`plumbline rubric fit`", "prompt, passages, response_type, answers"),
}
_HEAD = ("`plumbline rubric train`", "question, answer, label")
_MISSED = (
    "Personal data are told by form and wording. Names in running text without a title, a label or an "
    "introduction, addresses without a street and a number, and what is spelt out are not found."
)


def write_card(folder: Path, options: Options, counts: Counts) -> None:
    """Write `card.json` and `README.md`. No date: the same export gives the same bytes."""
    card = {
        "format": options.kind,
        "options": _options(options),
        "turns_read": counts.turns,
        "rows": _sorted(counts.rows),
        "sources": _sorted(counts.sources),
        "dropped_turns": _sorted(counts.dropped),
        "dropped_rows": _sorted(counts.dropped_rows),
        "personal_data": _sorted(counts.personal_data),
        "persons": _sorted(counts.persons),
        "refusals": _sorted(counts.refusals),
        "languages": _sorted(counts.languages),
        "task_types": _sorted(counts.task_types),
        "rater_agreement": dict(counts.agreement),
        "provenance": {n: _sorted(c) for n, c in sorted(counts.versions().items()) if c},
        "files": {path.name: _digest(path) for path in sorted(folder.glob("*.jsonl"))},
    }
    (folder / "card.json").write_bytes(orjson.dumps(card, option=orjson.OPT_INDENT_2) + b"\n")
    (folder / "README.md").write_text("\n".join(_markdown(card, options)), encoding="utf-8")


def _options(options: Options) -> dict[str, Any]:
    """The options; files by their contents, since paths differ from machine to machine."""
    found = asdict(options)
    if options.hygiene is not None:
        found["hygiene"]["evaluation"] = [_digest(path) for path in options.hygiene.evaluation]
    return found


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sorted(counts: Counter[str]) -> dict[str, int]:
    """Without what was never counted."""
    return {name: number for name, number in sorted(counts.items()) if number}


def _markdown(card: Mapping[str, Any], options: Options) -> Iterator[str]:
    trainer, columns = _HEAD if options.proposition else TRAINERS[card["format"]]
    yield f"# Preference data: {card['format']}\n"
    yield f"For {trainer} (columns: {columns}; further columns say where a row came from).\n"
    yield "| | |\n|---|---|"
    yield f"| turns read | {card['turns_read']:,} |"
    for heading, name in (
        ("rows in", "rows"),
        ("rows from", "sources"),
        ("turns left out:", "dropped_turns"),
        ("rows left out:", "dropped_rows"),
        ("personal data found:", "personal_data"),
    ):
        yield from (f"| {heading} {what} | {number:,} |" for what, number in card[name].items())
    yield ""
    yield from _table("Refusals", card["refusals"])
    yield from _table("Who asked", card["persons"])
    if card["persons"].get("turns of unknown persons"):
        yield (
            "Turns of unknown persons are not capped, and cannot be kept out of one file by person. Send "
            "`safety_identifier` with each request, or give each caller a key.\n"
        )
    yield from _table("What was asked", card["task_types"])
    yield from _table("Languages", card["languages"])
    yield from _agreement(card["rater_agreement"])
    yield "## Provenance\n"
    for name, versions in card["provenance"].items():
        yield f"- {name}: {', '.join(f'`{v}` ({n:,} turns)' for v, n in versions.items())}"
    yield ""
    yield _privacy(options)


def _table(title: str, counts: Mapping[str, int]) -> Iterator[str]:
    if counts:
        yield f"## {title}\n\n| | |\n|---|---|"
        yield from (f"| {name} | {number:,} |" for name, number in counts.items())
        yield ""


def _agreement(figures: Mapping[str, Any]) -> Iterator[str]:
    lines = []
    if figures.get("preferences_agreeing") is not None:
        lines.append(
            f"Of {figures['preferences_compared']:,} pairs of raters who compared the same two answers, "
            f"{figures['preferences_agreeing']:.1%} preferred the same one."
        )
    if figures.get("ratings_alpha") is not None:
        lines.append(
            f"Krippendorff's alpha of {figures['ratings_compared']:,} ratings by more than one rater: "
            f"{figures['ratings_alpha']:.3f}."
        )
    if lines:
        yield "## Rater agreement\n\n" + " ".join(lines) + "\n"


def _privacy(options: Options) -> str:
    kept = options.hygiene is None or options.hygiene.pii == "keep"
    if kept:
        return "Texts stand as they were logged: personal data is neither removed nor masked.\n"
    done = "Rows with personal data were dropped."
    if options.hygiene is not None and options.hygiene.pii == "redact":
        done = "Personal data were replaced by their kind, such as `[NAME]`."
    return f"{done} {_MISSED}\n"
