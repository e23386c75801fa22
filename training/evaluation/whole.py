"""The folder of an evaluation: evaluation.json, report.html, and the cached answers."""

from __future__ import annotations

import os
from pathlib import Path

import orjson

from contract.errors import ConfigurationError
from contract.files import put_in_place
from training.evaluation.evaluate import Outcome
from training.evaluation.report import render

EVALUATION, REPORT, ANSWERS = "evaluation.json", "report.html", "answers"


def check_folder(folder: Path) -> None:
    """Make the folder, readable by its owner only: prompts and answers are people's.

    Raises:
        ConfigurationError: it holds something else than an evaluation, or can't be made.
    """
    if folder.exists() and not folder.is_dir():
        raise ConfigurationError(f"{folder} is not a folder. Choose another --out.")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        left = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    except OSError as error:
        raise ConfigurationError(f"{folder} can't be written: {error.strerror}.") from error
    if left - {EVALUATION, REPORT, ANSWERS}:
        raise ConfigurationError(
            f"{folder} is not empty and was not made by an evaluation. Choose another --out."
        )


def write(folder: Path, outcome: Outcome) -> None:
    """Put both files into the folder. They take the place of old ones together, the report first: what a
    program reads is there only when all of it is."""
    content = orjson.dumps(outcome.evaluation.model_dump(), option=orjson.OPT_INDENT_2) + b"\n"
    drafts = [
        (_draft(folder / REPORT, render(outcome).encode()), folder / REPORT),
        (_draft(folder / EVALUATION, content), folder / EVALUATION),
    ]
    (folder / EVALUATION).unlink(missing_ok=True)
    for draft, path in drafts:
        put_in_place(draft, path)


def _draft(path: Path, content: bytes) -> Path:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(content)
    return draft
