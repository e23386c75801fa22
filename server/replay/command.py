"""`plumbline replay`."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import click

from contract.terminal import (
    SOME_FAILED,
    Command,
    config_option,
    json_option,
    load_settings,
    print_json,
    progress_bars,
)
from feedback.log_option import data_dir_option, log_of
from feedback.options import Selection
from feedback.turn_options import turn_options
from server.replay.change import change_of
from server.replay.run import Options
from server.replay.run import replay as run_replay
from server.replay.shown import show

_PATH = click.Path(path_type=Path)


@click.command(cls=Command, short_help="Run logged turns again before a change goes live.")
@click.option("--rubric", type=_PATH, help="New rubric: judge the logged answers with it.")
@click.option("--index", "index_dir", type=_PATH, help="New index: find passages and answer anew.")
@click.option("--policy", metavar="NEW", help="New policy: URL#model, or a model of the engine.")
@click.option(
    "--in-service",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Settings file in service, where --config is the new one.",
)
@click.option("--out", type=_PATH, help="Folder for what flips; only its owner may read it.")
@click.option("--limit", type=click.IntRange(1), help="At most so many turns, the newest.")
@click.option("--sample", type=click.IntRange(1), help="So many turns, drawn by chance.")
@click.option("--seed", default=0, show_default=True, help="Seed of the draw.")
@click.option(
    "--concurrency",
    default=8,
    show_default=True,
    type=click.IntRange(1, 256),
    help="Requests that the policy may have at once.",
)
@turn_options("--of-policy")
@data_dir_option
@config_option
@json_option
@click.pass_context
def replay(
    context: click.Context,
    /,
    rubric: Path | None,
    index_dir: Path | None,
    policy: str | None,
    in_service: Path | None,
    out: Path | None,
    limit: int | None,
    sample: int | None,
    seed: int,
    concurrency: int,
    data_dir: Path | None,
    config: Path | None,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Run logged turns again under a change, and say which answers, decisions and rewards would flip.

    \b
    --rubric FILE   judges the logged answers and decides anew; the policy is not asked
    --index DIR     finds passages anew and answers from them
    --policy NEW    sends the logged prompts to another policy
    --in-service    replays a change of settings: of --config against this file

    With --out, flips.jsonl has a line for each turn that flips: before, after, and the sentences that
    caused it. What is printed holds numbers and ids only.

    \b
    Examples:
      plumbline replay --rubric stricter.yaml --out replay-1
      plumbline replay --index new-index --sample 500
      plumbline replay --policy http://127.0.0.1:8001/v1#policy-2 --since 7d
    """
    served = load_settings(in_service, data_dir=data_dir) if in_service else None
    settings = load_settings(config, data_dir=data_dir)
    change = change_of(settings, served, rubric=rubric, index=index_dir, policy=policy)
    options = Options(Selection(**chosen), limit, sample, seed, concurrency)
    with closing(log_of(data_dir, config)) as log, progress_bars() as progress:
        summary = run_replay(log, change, options, out, progress)
    if as_json:
        print_json(summary, indent=True)
    else:
        show(summary)
        if out is not None:
            click.echo(f"What flips stands in {out / 'flips.jsonl'}.")
    if summary["failed"]:
        context.exit(SOME_FAILED)
