"""`plumbline ingest`."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from contract.access import check_labels
from contract.errors import ConfigurationError
from contract.filters import Attribute
from contract.terminal import (
    SOME_FAILED,
    Command,
    config_option,
    index_option,
    json_option,
    load_settings,
    print_json,
    progress_bars,
)
from ingest.build import Ingest, Options
from ingest.report import Report
from ingest.survey import Given
from ingest.watch import watch
from text.encoders import build_encoder

# Seconds without a change after which --watch takes a burst of changes to be over.
_PAUSE = 1.0


@click.command(cls=Command, short_help="Bring the index in step with your files.")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@index_option
@click.option("--collection", help="Collection to fill; the default is `default`.")
@click.option(
    "--label",
    "labels",
    multiple=True,
    help="Only callers with this label see the documents. May be repeated; stays until changed.",
)
@click.option("--no-labels", is_flag=True, help="Make documents public that --label had labelled.")
@click.option(
    "--attribute",
    "attributes",
    multiple=True,
    metavar="NAME=VALUE",
    help="An attribute of the documents, to filter by. May be repeated.",
)
@click.option("--prune", is_flag=True, help="Remove documents of the collection not below PATHS.")
@click.option("--remove", is_flag=True, help="Take the documents at or below PATHS out.")
@click.option("--rebuild", is_flag=True, help="Read everything again, as for another encoder.")
@click.option("--checksums", is_flag=True, help="Compare contents even where size and times agree.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option(
    "--wait",
    "wait_seconds",
    default=0.0,
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Wait this long for another ingest to end.",
)
@click.option("--watch", "watching", is_flag=True, help="Stay, and ingest again at each change.")
@click.option("--poll", is_flag=True, help="With --watch: for network folders, which tell nothing.")
@json_option
@config_option
@click.pass_context
def ingest(
    context: click.Context,
    paths: tuple[Path, ...],
    index_dir: Path | None,
    collection: str | None,
    labels: tuple[str, ...],
    no_labels: bool,
    attributes: tuple[str, ...],
    prune: bool,
    remove: bool,
    rebuild: bool,
    checksums: bool,
    dry_run: bool,
    wait_seconds: float,
    watching: bool,
    poll: bool,
    as_json: bool,
    config: Path | None,
) -> None:
    """Bring the index in step with files and folders.

    Files that did not change are skipped, changed ones are replaced, and files that are gone leave
    the index. A server that is running picks the new version up by itself.

    Who may see a document and what to filter by can also stand beside it, in `.plumbline.yaml` for a
    folder or `NAME.plumbline.yaml` for a file; that goes before --label and --attribute.

    \b
    Examples:
      plumbline ingest docs/                     a folder
      plumbline ingest docs/ --prune             and nothing but this folder
      plumbline ingest faq.md --collection help  one file, another collection
      plumbline ingest hr/ --label hr            only for callers with the label hr
      plumbline ingest docs/ --dry-run           what would change
      plumbline ingest docs/ --watch             stay, and follow every change

    Exit code 3 means that some files failed; each is listed with its reason, the rest is done.
    """
    settings = load_settings(config, index_dir=index_dir, retrieval__collection=collection)
    options = Options(
        prune=prune,
        spared=(settings.documents,),
        rebuild=rebuild,
        checksums=checksums,
        given=_given(labels, no_labels, attributes),
        wait_seconds=wait_seconds,
    )
    collection = settings.retrieval.collection
    encoder = build_encoder(settings)

    def once() -> Report:
        with progress_bars() as progress:
            run = Ingest(
                settings.index, encoder, settings.retrieval, settings.ingest, progress=progress
            )
            job = run.preview if dry_run else run.remove if remove else run.run
            report = job(paths, collection, options)
        if as_json:
            print_json(report.to_wire())
        else:
            _show(report)
        return report

    if watching:
        if dry_run or remove or rebuild:
            raise click.UsageError("--watch goes with neither --dry-run, --remove nor --rebuild.")
        watch(paths, once, seconds=_PAUSE, poll=poll, ignore=[settings.index])
    elif once().failed:
        context.exit(SOME_FAILED)


def _given(labels: tuple[str, ...], no_labels: bool, attributes: tuple[str, ...]) -> Given:
    if labels and no_labels:
        raise click.UsageError("Give either --label or --no-labels.")
    return Given(
        labels=check_labels(labels) if labels or no_labels else None,
        attributes=dict(_attribute(text) for text in attributes) if attributes else None,
    )


def _attribute(text: str) -> tuple[str, Attribute]:
    """`year=2026` is a number, `draft=true` a truth value, everything else text."""
    name, found, value = text.partition("=")
    if not found or not name.strip():
        raise ConfigurationError(f"{text!r} is no attribute. Write NAME=VALUE.")
    if value in ("true", "false"):
        return name.strip(), value == "true"
    try:
        return name.strip(), float(value)
    except ValueError:
        return name.strip(), value


def _show(report: Report) -> None:
    # A program that reads our lines gets them whole; a person gets them folded to the window.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 240)
    table = Table("status", "file", "chunks", "reason", box=None)
    for file in report.files:
        if file.status != "unchanged" or "changed" in file.reason:
            table.add_row(file.status, file.path, str(file.chunks or ""), file.reason)
    if table.row_count:
        console.print(table)
    counts = ", ".join(f"{count} {status}" for status, count in report.counts.items())
    console.print(counts or "No files found.", markup=False)
