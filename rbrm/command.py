"""`plumbline judge` and `plumbline rubric`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import click
import orjson
from pydantic import ValidationError

from contract.judge import JudgeRequest
from contract.settings import Settings
from contract.terminal import SOME_FAILED, Command, config_option, load_settings, progress_bars
from rbrm.grading import languages_of, unjudged
from rbrm.judge import Judge, embedded_judge
from rbrm.lines import judge_line
from rbrm.rubric import LANGUAGES, Rubric, load_rubric
from text.encoder import Encoder

Line = dict[str, Any]

rubric_option = click.option(
    "--rubric", "rubric_path", type=click.Path(path_type=Path), help="Rubric file."
)


@click.command(cls=Command, short_help="Judge answers, line by line.")
@click.argument(
    "file", type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True)
)
@click.option("--out", type=click.Path(path_type=Path), help="File to write; else standard output.")
@rubric_option
@config_option
@click.pass_context
def judge(
    context: click.Context,
    file: Path,
    out: Path | None,
    rubric_path: Path | None,
    config: Path | None,
) -> None:
    """Judge answers: one line of JSON in, one line of verdicts out, in order.

    \b
    A line is one of
      {"prompt": "…" or [messages], "completion": "…"}
      {"messages": [messages], "answers": ["…", "…"], "passages": ["…"]}

    A bad line becomes an error in its place, and the exit code is 3. - reads standard input.
    """
    settings = load_settings(config, judge__rubric=rubric_path)
    judging = _judge(settings)
    failed = False
    with ExitStack() as stack:
        target: IO[bytes] = stack.enter_context(out.open("wb")) if out else sys.stdout.buffer
        progress = stack.enter_context(progress_bars())
        total = _count_lines(file)
        for number, line in enumerate(_lines(file), 1):
            result = _one(judging, line)
            failed |= "error" in result or any("error" in a for a in result["answers"])
            target.write(orjson.dumps(result) + b"\n")
            progress("judging", number, max(total, number))
        target.flush()
    if failed:
        context.exit(SOME_FAILED)


@click.group(short_help="Write and check the rules for answers.")
def rubric() -> None:
    """Write and check rubrics: the rules that an answer is held to."""


@rubric.command(cls=Command)
@click.argument("file", required=False, type=click.Path(path_type=Path))
def check(file: Path | None) -> None:
    """Say what is wrong in a rubric FILE, by line, and what each language leaves unjudged.

    Without FILE, the default rubric is checked.
    """
    loaded = load_rubric(file)
    embedded_judge(loaded, Encoder())
    click.echo(
        f"{loaded.fingerprint}: {len(loaded.propositions)} propositions "
        f"({len(loaded.hard)} hard), {len(loaded.derived)} derived."
    )
    for language in LANGUAGES:
        names = unjudged(loaded, language)
        click.echo(f"{language}: " + (f"not judged: {', '.join(names)}" if names else "all judged"))


@rubric.command(cls=Command)
@click.argument("file", required=False, type=click.Path(path_type=Path))
def show(file: Path | None) -> None:
    """List the propositions of a rubric, and how each is graded."""
    for line in _describe(load_rubric(file)):
        click.echo(line)


def _describe(rubric: Rubric) -> Iterator[str]:
    for name, proposition in rubric.propositions.items():
        graders = ", ".join(
            f"{spec.kind} ({'/'.join(languages_of(spec))})" for spec in proposition.graders
        )
        hard = "  HARD" if proposition.hard else ""
        yield f"{name}{hard}\n    {proposition.wording.en}\n    {graders}"


def _judge(settings: Settings) -> Judge:
    return embedded_judge(load_rubric(settings.judge.rubric), Encoder())


def _one(judging: Judge, line: str) -> Line:
    try:
        request = JudgeRequest.model_validate_json(line)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in problem["loc"])
        message = f"{place}: {problem['msg']}" if place else str(problem["msg"])
        return {"error": {"message": message, "code": "invalid_line"}}
    return judge_line(judging, request)


def _lines(path: Path) -> Iterator[str]:
    """The lines of a file; a blank line is a line too, so that output and input keep step."""
    if str(path) == "-":
        yield from (line.rstrip("\n") for line in sys.stdin)
        return
    with path.open(encoding="utf-8", errors="replace") as file:
        yield from (line.rstrip("\n") for line in file)


def _count_lines(path: Path) -> int:
    if str(path) == "-":
        return 0
    with path.open("rb") as file:
        return sum(1 for _ in file)
