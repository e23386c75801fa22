"""`plumbline export`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import click

from contract.terminal import Command, config_option, progress_bars, together
from feedback.counts import Counts
from feedback.export import export as run_export
from feedback.log_option import data_dir_option, log_of
from feedback.options import KINDS, RULED, Hygiene, Kind, Options, Quality, Selection, Source
from feedback.turn_options import many, turn_options
from feedback.whole import EXPORT

_MAX_FILTER = 1_000_000


hygiene_options = together(
    click.option(
        "--hygiene/--no-hygiene", default=True, help="All of what follows, or nothing of it."
    ),
    click.option(
        "--pii",
        type=click.Choice(["drop", "redact", "keep"]),
        default="drop",
        show_default=True,
        help="Rows with personal data: leave out, mask, or leave as they are.",
    ),
    many(
        "--public",
        "public",
        "Text that is no secret, such as @our-domain.example; may be repeated.",
    ),
    click.option(
        "--near-duplicates/--no-near-duplicates",
        "near_duplicates",
        default=True,
        help="Keep one turn of those that ask nearly the same.",
    ),
    click.option(
        "--per-person",
        type=click.IntRange(0),
        default=200,
        show_default=True,
        help="Most turns of one person; 0 for any number.",
    ),
    click.option(
        "--evaluation",
        multiple=True,
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="File of evaluation prompts, which must not be trained on; may be repeated.",
    ),
    click.option(
        "--refusal-ratio",
        type=click.FloatRange(1),
        default=3.0,
        show_default=True,
        help="Rows that teach to refuse and not to refuse stay within this ratio.",
    ),
    click.option(
        "--refusal-share",
        type=click.FloatRange(0, 0.99),
        default=0.2,
        show_default=True,
        help="Largest share of refusals among answers to imitate (sft).",
    ),
)
quality_options = together(
    click.option("--min-characters", type=click.IntRange(0), help="sft: shortest answer."),
    click.option("--max-characters", type=click.IntRange(1), help="sft: longest answer."),
    click.option("--min-reward", type=float, help="sft: smallest reward that the judge gave."),
    click.option(
        "--same-language", is_flag=True, help="sft: answers in the language of their question only."
    ),
    click.option(
        "--novelty",
        type=click.FloatRange(0.1, 1),
        help="Leave out prompts whose ROUGE-L with one kept before reaches this; 0.7 is usual.",
    ),
    click.option(
        "--select",
        type=click.IntRange(1),
        help="Keep so many turns that cover the others best (k-centre).",
    ),
    click.option(
        "--model-url", help="sft: model server that reads the answers, with /v1 at its end."
    ),
    click.option("--model", help="Its model; unset: the first that it lists."),
    click.option(
        "--perplexity",
        type=(float, float),
        metavar="LOW HIGH",
        help="sft: band of the answer's perplexity given its prompt; needs --model-url.",
    ),
    click.option(
        "--min-grade",
        type=click.FloatRange(1, 5),
        help="sft: smallest grade from 1 to 5 that the model gives the answer; needs --model-url.",
    ),
)


@click.command(cls=Command, short_help="Write preferences as training data.")
@click.argument("kind", type=click.Choice([*KINDS, *RULED]))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write.")
@click.option(
    "--source",
    type=click.Choice(["human", "judge", "both"]),
    default="human",
    show_default=True,
    help="Whose preferences; every row says which it came from.",
)
@click.option(
    "--min-margin",
    default=1.0,
    show_default=True,
    help="Smallest difference of rewards that counts as the judge's preference.",
)
@click.option(
    "--validation",
    type=click.FloatRange(0, 0.9),
    help="Share of persons kept for validation.  [default: 0.1; for labels and ladders 0]",
)
@click.option(
    "--split-by",
    type=click.Choice(["person", "rater"]),
    default="person",
    show_default=True,
    help="Who is in one file only: those who asked, or those who judged.",
)
@click.option("--seed", default=0, show_default=True, help="Seed of everything that is drawn.")
@click.option(
    "--proposition",
    metavar="NAME",
    help="labels: this one only, as lines of `plumbline rubric train`.",
)
@turn_options()
@hygiene_options
@quality_options
@data_dir_option
@config_option
def export(
    kind: str,
    out: Path,
    source: str,
    min_margin: float,
    validation: float | None,
    split_by: str,
    seed: int,
    proposition: str | None,
    data_dir: Path | None,
    config: Path | None,
    **chosen: Any,
) -> None:
    """Write logged preferences as training data, with a data card beside it.

    \b
    sft         good answers          prompt, completion
    rm          preferences           prompt, chosen, rejected
    dpo         preferences           prompt, chosen, rejected
    kto         thumbs up and down    prompt, completion, label
    grpo        prompts               prompt, passages, cited, reference, candidates
    openai-dpo  preferences           input, preferred_output, non_preferred_output
    labels      rulings               lines of `plumbline rubric agree`, or with --proposition of `rubric train`
    ladders     rulings on classes    lines of `plumbline rubric fit`

    The files of the first six load with datasets.load_dataset("json", …) and train in TRL as they are. The card says what
    was left out, and why. An export that is in the folder is replaced; a folder that holds anything else is
    left alone.

    \b
    Examples:
      plumbline export dpo --out round-1
      plumbline export rm --out round-1 --source both --since 2026-11-01
      plumbline export sft --out round-1 --pii redact --evaluation eval.jsonl --same-language
      plumbline export labels --out rulings && plumbline rubric agree rulings/train.jsonl
    """
    if proposition is not None and kind != "labels":
        raise click.UsageError("--proposition is for labels only.")
    if validation is None:
        validation = 0.0 if kind in RULED else 0.1
    options = Options(
        kind=cast(Kind, kind),
        sources=cast("tuple[Source, ...]", ("human", "judge") if source == "both" else (source,)),
        min_margin=min_margin,
        validation=validation,
        split_by=cast(Any, split_by),
        seed=seed,
        selection=_selection(chosen),
        hygiene=_hygiene(kind, chosen),
        quality=_quality(kind, chosen),
        proposition=proposition,
    )
    replaces = EXPORT.is_in(out)
    with progress_bars() as progress:
        counts = run_export(log_of(data_dir, config), out, options, progress)
    _report(counts, options, out)
    if replaces:
        click.echo(f"  replaced: the export that was in {out} before.")


def _check_no_hygiene() -> None:
    """Nothing of it and one of its options contradict each other."""
    context = click.get_current_context()
    for name in (
        "pii",
        "public",
        "near_duplicates",
        "per_person",
        "evaluation",
        "refusal_ratio",
        "refusal_share",
    ):
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            flag = name.replace("_", "-")
            raise click.UsageError(
                f"--no-hygiene leaves everything in; --{flag} can't be asked for beside it."
            )


def _unless_asked_for(defaults: dict[str, Any]) -> dict[str, Any]:
    """What holds where the command line says nothing: a ruling on each answer counts, who asked alike or not."""
    context = click.get_current_context()
    given = click.core.ParameterSource.COMMANDLINE
    return {n: v for n, v in defaults.items() if context.get_parameter_source(n) is not given}


def _selection(chosen: dict[str, Any]) -> Selection:
    names = ("since", "until", "policies", "collections", "languages", "labels", "without_labels")
    return Selection(**{name: chosen[name] for name in names})


def _hygiene(kind: str, chosen: dict[str, Any]) -> Hygiene | None:
    if not chosen["hygiene"]:
        _check_no_hygiene()
        return None
    if kind in RULED:
        chosen = chosen | _unless_asked_for({"near_duplicates": False, "per_person": 0})
    names = (
        "near_duplicates",
        "per_person",
        "pii",
        "public",
        "refusal_ratio",
        "refusal_share",
        "evaluation",
    )
    return Hygiene(**{name: chosen[name] for name in names})


def _quality(kind: str, chosen: dict[str, Any]) -> Quality:
    asked = [name for name in ("perplexity", "min_grade") if chosen[name] is not None]
    if asked and chosen["model_url"] is None:
        raise click.UsageError(f"--{asked[0].replace('_', '-')} needs --model-url.")
    for name in ("min_characters", "max_characters", "min_reward", "same_language", *asked):
        if chosen[name] and kind != "sft":
            raise click.UsageError(f"--{name.replace('_', '-')} is for sft only.")
    wanted = (
        "novelty",
        "select",
        "min_characters",
        "max_characters",
        "min_reward",
        "same_language",
        *asked,
    )
    if not chosen["hygiene"] and any(chosen[name] for name in wanted):
        raise click.UsageError(
            "--no-hygiene leaves everything in; filters can't be asked for beside it."
        )
    lengths = (chosen["min_characters"], chosen["max_characters"])
    return Quality(
        characters=None
        if lengths == (None, None)
        else (lengths[0] or 0, lengths[1] or _MAX_FILTER),
        min_reward=chosen["min_reward"],
        same_language=chosen["same_language"],
        novelty=chosen["novelty"],
        select=chosen["select"],
        url=chosen["model_url"],
        model=chosen["model"],
        perplexity=chosen["perplexity"],
        min_grade=chosen["min_grade"],
    )


def _report(counts: Counts, options: Options, out: Path) -> None:
    rows = sum(counts.rows.values())
    click.echo(f"{rows:,} rows from {counts.turns:,} turns in {out}")
    for why, number in sorted(counts.dropped.items()):
        if number:
            click.echo(f"  left out: {number:,} turns, {why}")
    for why, number in sorted(counts.dropped_rows.items()):
        if number:
            click.echo(f"  left out: {number:,} rows, {why}")
    unknown = counts.persons["turns of unknown persons"]
    if unknown:
        click.echo(
            f"  {unknown:,} turns are of unknown persons, who can't be capped or split by person."
        )
    if rows and options.validation and not counts.rows["validation"]:
        click.echo(
            "  Nobody fell into validation, so there is no validation.jsonl; with few persons, try --validation 0.3."
        )
    if not counts.turns:
        click.echo(
            "  No turn was selected. Look at the dates, names and labels that you asked for."
        )
    elif not rows and not options.judge:
        click.echo("  --source both adds what the judge preferred.")
