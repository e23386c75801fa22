"""Rows as an export writes them, made here, and the smallest checkpoint to train on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

THINGS = ("pump", "lamp", "door", "phone", "router", "heater")
GOOD, MIDDLING, BAD = "Press red [1].", "Press it.", "No idea."


def said(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


def turn(number: int) -> dict[str, Any]:
    """What all rows of a turn share."""
    thing = f"{THINGS[number % len(THINGS)]} {number}"
    passage = f"To reset {thing} press red."
    question = f"How do I reset {thing}?"
    prompt = [{"role": "user", "content": f"[1] {passage}\n{question}"}]
    return {"prompt": prompt, "question": question, "previous": "", "group": f"turn-{number}"} | {
        "passages": [passage],
        "language": "en",
    }


def rows_of(kind: str, numbers: range) -> list[dict[str, Any]]:
    turns = [turn(number) for number in numbers]
    if kind == "sft":
        return [t | {"completion": said(GOOD)} for t in turns]
    if kind == "kto":
        marks = ((GOOD, True), (BAD, False))
        return [t | {"completion": said(a), "label": label} for t in turns for a, label in marks]
    if kind == "grpo":
        return [t | {"reference": GOOD, "response_type": None} for t in turns]
    pairs = ((GOOD, MIDDLING), (GOOD, BAD), (MIDDLING, BAD))
    return [
        t | {"chosen": said(better), "rejected": said(worse), "weight": 1 / 3}
        for t in turns
        for better, worse in pairs
    ]


def write_export(folder: Path, kind: str, train: int, validation: int = 0) -> Path:
    """A folder such as `plumbline export KIND` writes."""
    folder.mkdir(parents=True)
    parts = {"train": range(train), "validation": range(train, train + validation)}
    for name, numbers in parts.items():
        if len(numbers):
            write_lines(folder / f"{name}.jsonl", rows_of(kind, numbers))
    return folder


def write_lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path
