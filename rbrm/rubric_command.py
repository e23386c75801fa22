"""`plumbline rubric`: write, check, fit and measure the rules for answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import click
import orjson
from pydantic import BaseModel, ValidationError
from rich.console import Console
from rich.table import Table

from contract.errors import ConfigurationError
from contract.files import count_lines, problem_of, write_atomically
from contract.settings import JudgeSettings
from contract.terminal import (
    SOME_FAILED,
    Command,
    config_option,
    load_settings,
    progress_bars,
)
from contract.verdict import ResponseType, Verdict
from rbrm.agreement import LabelledLine, Opinion, Report, opinions, report
from rbrm.assembly import build_judge
from rbrm.fit import Fitted, LadderLine, fit, judge_ladder, with_weights
from rbrm.grading import KnownHeads, languages_of, unjudged
from rbrm.lines import question_of
from rbrm.plots import plot_classes, plot_reliability
from rbrm.rubric import LANGUAGES, Rubric, load_rubric, rubric_text
from rbrm.train_head import LabelledAnswer, train_head
from text.encoder import Encoder

Line = TypeVar("Line", bound=BaseModel)

rubric_option = click.option(
    "--rubric",
    "rubric_path",
    type=click.Path(path_type=Path),
    help="Rubric file; else the default.",
)
file_argument = click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))


@click.group(short_help="Write, check, fit and measure the rules for answers.")
def rubric() -> None:
    """Write, check, fit and measure rubrics: the rules that an answer is held to."""


@rubric.command(cls=Command)
@click.argument("file", required=False, type=click.Path(path_type=Path))
@config_option
def check(file: Path | None, config: Path | None) -> None:
    """Say what is wrong in a rubric FILE, by line, and what each language leaves unjudged.

    Every grader that it names must be there; a language model that it asks must answer. Without FILE,
    the default rubric is checked.
    """
    settings = load_settings(config).judge
    loaded = load_rubric(file)
    with closing(build_judge(settings, Encoder(), loaded)) as judge:
        known = judge.graders.known
    click.echo(
        f"{loaded.fingerprint}: {len(loaded.propositions)} propositions "
        f"({len(loaded.hard)} hard), {len(loaded.derived)} derived."
    )
    for language in LANGUAGES:
        names = unjudged(loaded, language, known)
        click.echo(f"{language}: " + (f"not judged: {', '.join(names)}" if names else "all judged"))


@rubric.command(cls=Command)
@click.argument("file", required=False, type=click.Path(path_type=Path))
def show(file: Path | None) -> None:
    """List the propositions of a rubric, and how each is graded."""
    loaded = load_rubric(file)
    settings = JudgeSettings()
    known = (
        KnownHeads({})
        if loaded.asks_a_model
        else build_judge(settings, Encoder(), loaded).graders.known
    )
    for line in _describe(loaded, known):
        click.echo(line)


@rubric.command(cls=Command, name="fit")
@file_argument
@rubric_option
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write the rubric with new weights here."
)
@click.option("--plot", type=click.Path(path_type=Path), help="PNG of the reward by class.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@config_option
def fit_weights(
    file: Path,
    rubric_path: Path | None,
    out: Path | None,
    plot: Path | None,
    as_json: bool,
    config: Path | None,
) -> None:
    """Fit a rubric's weights from ladders in FILE.

    \b
    A line is one prompt with answers of different classes:
      {"prompt": "…" or [messages], "response_type": "hard_refuse", "answers":
        [{"class": "ideal", "text": "…"}, {"class": "disallowed", "text": "…"}]}

    One set of weights for each response type that has ten prompts or more. docs/rubrics.md says how to
    write ladders.
    """
    loaded = load_rubric(rubric_path)
    names = {kind: list(rules.weights) for kind, rules in loaded.response_types.items()}
    rungs = []
    settings = load_settings(config).judge
    with closing(build_judge(settings, Encoder(), loaded)) as judge, progress_bars() as progress:
        for line in _valid_lines(file, LadderLine, "judging", progress):
            rungs.append(judge_ladder(judge, line, names[line.response_type]))
    counts = {kind: sum(r.response_type == kind for r in rungs) for kind in loaded.response_types}
    fitted = {
        kind: fit(loaded, kind, rungs) for kind in loaded.response_types if counts[kind] >= 10
    }
    if not fitted:
        raise ConfigurationError(
            f"{file} has too few ladders of any response type: {counts}. Write ten or more of one."
        )
    if plot:
        plot_classes({kind: found.reward_by_class for kind, found in fitted.items()}, plot)
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(out, with_weights(rubric_text(rubric_path), fitted).encode())
    _show_fit(fitted, as_json)
    _warn_of_worse(fitted)


@rubric.command(cls=Command)
@file_argument
@rubric_option
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("--plot", type=click.Path(path_type=Path), help="PNG of predicted against observed.")
@config_option
@click.pass_context
def agree(
    context: click.Context,
    file: Path,
    rubric_path: Path | None,
    as_json: bool,
    plot: Path | None,
    config: Path | None,
) -> None:
    """Measure how far the judge agrees with people's labels in FILE.

    \b
    A line is one of `plumbline judge` with labels:
      {"messages": [messages], "answers": ["…"], "labels":
        [{"propositions": {"apology": true}, "class": "ideal"}]}
      {"prompt": [messages], "completion": "…", "propositions": {"apology": true}, "class": "ideal"}

    Each figure stands beside the floor: always saying what is more common.
    """
    settings = load_settings(config, judge__rubric=rubric_path).judge
    found: list[Opinion] = []
    classes: list[tuple[str, str]] = []
    failures: list[str] = []
    unknown: set[str] = set()
    with closing(build_judge(settings, Encoder())) as judge, progress_bars() as progress:
        for line in _valid_lines(file, LabelledLine, "judging", progress, failures):
            verdicts = judge.judge(question_of(line), line.texts)
            for verdict, labels in zip(verdicts, line.people, strict=False):
                if not isinstance(verdict, Verdict):
                    failures.append(verdict.reason)
                    continue
                found += opinions(verdict, labels)
                unknown |= set(labels.propositions) - set(verdict.propositions)
                if labels.name:
                    classes.append((labels.name, verdict.completion_class))
    if not found and not classes:
        raise ConfigurationError(f"{file} holds no labels for propositions of this rubric.")
    result = report(found, classes, len(failures))
    if plot:
        plot_reliability(result.reliability, plot)
    if as_json:
        click.echo(orjson.dumps(result.to_dict(), option=orjson.OPT_INDENT_2).decode())
    else:
        _show_agreement(result)
    if unknown:
        names = ", ".join(sorted(unknown))
        click.echo(f"Labels that the judge has no opinion on were left out: {names}", err=True)
    for failure in failures[:20]:
        click.echo(failure, err=True)
    if failures:
        context.exit(SOME_FAILED)


@rubric.command(cls=Command)
@file_argument
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="Head to write: NAME.safetensors."
)
def train(file: Path, out: Path) -> None:
    """Train a head for a proposition of your own from labelled answers in FILE.

    \b
    A line is {"answer": "…", "label": true, "question": "…"}; the question may be left out. Some dozens
    of each label are enough for what is said in words of its own. Put the file beside your rubric and
    name it there:
      graders: [{encoder: NAME.safetensors}]
    """
    if out.suffix != ".safetensors":
        raise ConfigurationError(f"--out {out}: a head is a .safetensors file.")
    with progress_bars() as progress:
        rows = list(_valid_lines(file, LabelledAnswer, "reading", progress))
    table = Table("language", "answers", "yes", "family", "accuracy", "balanced", "floor")
    for found in train_head(rows, Encoder(), out, out.stem):
        figures = (found.accuracy, found.balanced_accuracy, found.floor_accuracy)
        table.add_row(
            found.language,
            str(found.answers),
            str(found.positives),
            found.family,
            *(f"{figure:.3f}" for figure in figures),
        )
    Console().print(table)
    click.echo(f"Wrote {out}. The figures are from answers that the weights had not seen.")


def _valid_lines(
    file: Path,
    kind: type[Line],
    label: str,
    progress: Callable[[str, int, int], None],
    failures: list[str] | None = None,
) -> Iterator[Line]:
    """The lines of a file as values. A bad one is an error, or a note in `failures` where given."""
    total = count_lines(file)
    with file.open(encoding="utf-8") as lines:
        for number, text in enumerate(lines, 1):
            progress(label, number, total)
            if not text.strip():
                continue
            try:
                yield kind.model_validate_json(text)
            except ValidationError as error:
                message = f"{file}:{number}: {problem_of(error)}"
                if failures is None:
                    raise ConfigurationError(message) from error
                failures.append(message)


def _show_fit(fitted: dict[Any, Fitted], as_json: bool) -> None:
    if as_json:
        content = {
            kind: {
                "weights": dict(f.weights),
                "prompts": f.prompts,
                "held_out_pairs": f.held_out_pairs,
                "held_out_accuracy": f.held_out_accuracy,
                "held_out_accuracy_before": f.accuracy_before,
                "reward_by_class": dict(f.reward_by_class),
            }
            for kind, f in fitted.items()
        }
        click.echo(orjson.dumps(content, option=orjson.OPT_INDENT_2).decode())
        return
    for kind, found in fitted.items():
        table = Table("proposition", "weight", title=f"{kind} ({found.prompts} prompts)")
        for name, weight in found.weights.items():
            table.add_row(name, f"{weight:+.3f}")
        Console().print(table)
        click.echo(
            f"{kind}: {found.held_out_accuracy:.1%} of {found.held_out_pairs} pairs of unseen prompts in "
            f"the right order (weights before: {found.accuracy_before:.1%})."
        )


def _warn_of_worse(fitted: Mapping[ResponseType, Fitted]) -> None:
    """On standard error, so that the report stays JSON where it is."""
    for kind, found in fitted.items():
        if found.held_out_accuracy < found.accuracy_before:
            click.echo(
                f"Warning: {kind}: the new weights order fewer pairs of unseen prompts right "
                f"({found.held_out_accuracy:.1%}) than the ones before ({found.accuracy_before:.1%}). "
                "Keep those, or write more ladders.",
                err=True,
            )


def _show_agreement(result: Report) -> None:
    table = Table("proposition", "answers", "yes", "accuracy", "floor", "balanced", "F1", "ECE")
    rows = [*result.propositions.items(), *((f"all, {n}", f) for n, f in result.languages.items())]
    for name, f in rows:
        figures = ("accuracy", "floor_accuracy", "balanced_accuracy", "f1", "ece")
        table.add_row(
            name,
            str(int(f["answers"])),
            str(int(f["positives"])),
            *(f"{f[figure]:.3f}" for figure in figures),
        )
    Console().print(table)
    for name, values in (("overall", result.overall), ("class", result.classes)):
        if values:
            click.echo(f"{name}: " + ", ".join(f"{k} {v:g}" for k, v in values.items()))


def _describe(rubric: Rubric, heads: KnownHeads) -> Iterator[str]:
    for name, proposition in rubric.propositions.items():
        graders = ", ".join(
            f"{spec.kind} ({'/'.join(languages_of(spec, heads)) or '?'})"
            for spec in proposition.graders
        )
        hard = "  HARD" if proposition.hard else ""
        yield f"{name}{hard}\n    {proposition.wording.en}\n    {graders}"
