"""`plumbline feedback import`."""

from __future__ import annotations

import re
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import cast, get_args

import click

from contract.demonstrations import SOURCE_NAME
from contract.errors import ConfigurationError
from contract.terminal import (
    SOME_FAILED,
    Command,
    config_option,
    json_option,
    load_settings,
    print_json,
    progress_bars,
)
from feedback.imports.examples import Format
from feedback.imports.records import Origin
from feedback.imports.run import Outcome, import_file
from feedback.log import Log
from feedback.log_option import data_dir_option

_SOURCE = re.compile(SOURCE_NAME)


@click.command("import", cls=Command, short_help="Take in what people said elsewhere.")
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE...",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
)
@click.option(
    "--format",
    "form",
    type=click.Choice(get_args(Format)),
    help="What the rows are; else each row's columns tell.",
)
@click.option("--collection", help="Collection of the turns; the default is `default`.")
@click.option("--rater", help="Who said it, where a row has no `rater`.")
@click.option(
    "--source-name",
    help="Name of the source; `import:NAME` is the policy version of its turns. "
    "[default: the file's name]",
)
@click.option(
    "--owner", default="", metavar="KEY", help="Name of the key that may read the turns over HTTP."
)
@click.option("--dry-run", is_flag=True, help="Check the files, and store nothing.")
@json_option
@data_dir_option
@config_option
@click.pass_context
def import_(
    context: click.Context,
    files: tuple[Path, ...],
    form: str | None,
    collection: str | None,
    rater: str | None,
    source_name: str | None,
    owner: str,
    dry_run: bool,
    as_json: bool,
    data_dir: Path | None,
    config: Path | None,
) -> None:
    """Take in demonstrations, rankings, pairs and ratings, so that training can start before anybody has
    rated anything here. They become turns of the log with feedback on them, and are exported as what
    people said.

    FILES are JSON lines, a JSON array (.json), or tables (.csv, .tsv). A row is one of

    \b
    demonstration  {"prompt": …, "completion": …} or {"messages": […]}
      few-shot     {"instruction": …, "examples": [{"question": …, "answer": …}, …]}
      user-based   {"use_case": …, "prompt": …, "completion": …}
    ranking        {"prompt": …, "ranked": ["best", ["as good", "as this"], "worst"]}
    pair           {"prompt": …, "chosen": …, "rejected": …}, or OpenAI's preferences
    rating         {"prompt": …, "completion": …, "label": true, "good" or 1 to 5}

    Prompts and answers are texts or messages; docs/preferences.md has all shapes. A file that is imported
    again adds nothing.

    \b
    Examples:
      plumbline feedback import demonstrations.jsonl --rater ann
      plumbline feedback import ranked.csv --source-name pilot --dry-run

    Exit code 3 means that some rows are bad; each is named with its line, the others are stored.
    """
    settings = load_settings(config, data_dir=data_dir, retrieval__collection=collection)
    outcomes: list[Outcome] = []
    with ExitStack() as stack:
        log = None if dry_run else stack.enter_context(closing(Log(settings.log_file)))
        progress = stack.enter_context(progress_bars())
        for path in files:
            origin = Origin(
                source=_source(source_name, path),
                collection=settings.retrieval.collection,
                rater=rater,
                owner=owner,
                when=time.time(),
            )
            chosen = cast(Format | None, form)
            outcomes.append(import_file(log, path, chosen, origin, progress, _say))
    for outcome in outcomes:
        _show(outcome, as_json, dry_run)
    if any(outcome.failed for outcome in outcomes):
        context.exit(SOME_FAILED)


def _say(path: Path, number: int, problem: str) -> None:
    click.echo(f"{path}:{number}: {problem}", err=True)


def _show(outcome: Outcome, as_json: bool, dry_run: bool) -> None:
    if as_json:
        print_json(outcome.to_wire() | {"dry_run": dry_run})
        return
    parts = [f"{outcome.added} {'good' if dry_run else 'added'}"]
    if outcome.known:
        parts.append(f"{outcome.known} there already")
    if outcome.failed:
        parts.append(f"{outcome.failed} rows failed")
    click.echo(f"{outcome.path}: {', '.join(parts)}")
    if outcome.unread_columns:
        click.echo(f"  not read: the columns {', '.join(sorted(outcome.unread_columns))}")


def _source(name: str | None, path: Path) -> str:
    if name is None:
        return re.sub(r"[^\w.@-]+", "-", path.stem).strip("-.@")[:64] or "file"
    if not _SOURCE.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} is no name of a source. It has 1 to 64 letters, digits and any of _ . @ -."
        )
    return name
