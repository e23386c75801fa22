"""`plumbline judge`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import IO, Any

import click
import orjson
from pydantic import ValidationError

from contract.files import count_lines, problem_of
from contract.judge import JudgeRequest
from contract.terminal import SOME_FAILED, Command, config_option, load_settings, progress_bars
from rbrm.assembly import build_judge
from rbrm.judge import Judge
from rbrm.lines import judge_line
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
    both with an optional "response_type": comply, hard_refuse or safe_refuse.

    A bad line becomes an error in its place, and the exit code is 3. - reads standard input.
    """
    settings = load_settings(config, judge__rubric=rubric_path)
    failed = False
    with ExitStack() as stack:
        judging = stack.enter_context(closing(build_judge(settings.judge, Encoder())))
        target: IO[bytes] = stack.enter_context(out.open("wb")) if out else sys.stdout.buffer
        progress = stack.enter_context(progress_bars())
        name, total = ("stdin", 0) if str(file) == "-" else (str(file), count_lines(file))
        for number, line in enumerate(_lines(file), 1):
            result = _one(judging, line, f"{name}:{number}")
            failed |= "error" in result or any("error" in a for a in result["answers"])
            target.write(orjson.dumps(result) + b"\n")
            progress("judging", number, max(total, number))
        target.flush()
    if failed:
        context.exit(SOME_FAILED)


def _one(judging: Judge, line: str, place: str) -> Line:
    try:
        request = JudgeRequest.model_validate_json(line)
    except ValidationError as error:
        return {"error": {"message": f"{place}: {problem_of(error)}", "code": "invalid_line"}}
    return judge_line(judging, request)


def _lines(path: Path) -> Iterator[str]:
    """The lines of a file; a blank line is a line too, so that output and input keep step."""
    if str(path) == "-":
        yield from (line.rstrip("\n") for line in sys.stdin)
        return
    with path.open(encoding="utf-8", errors="replace") as file:
        yield from (line.rstrip("\n") for line in file)
