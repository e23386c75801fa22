"""`plumbline ingest`."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

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
from ingest.build import Ingest
from ingest.report import Report
from text.encoder import Encoder


@click.command(cls=Command, short_help="Bring the index in step with your files.")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@index_option
@click.option("--collection", help="Collection to fill; the default is `default`.")
@click.option("--prune", is_flag=True, help="Remove documents of the collection not below PATHS.")
@click.option("--rebuild", is_flag=True, help="Read and encode everything again.")
@click.option("--remove", multiple=True, type=click.Path(path_type=Path), help="Remove PATH.")
@click.option("--wait", default=0.0, help="Longest wait for another ingest.")
@json_option
@config_option
@click.pass_context
def ingest(
    context: click.Context,
    paths: tuple[Path, ...],
    index_dir: Path | None,
    collection: str | None,
    prune: bool,
    rebuild: bool,
    remove: tuple[Path, ...],
    wait: float,
    as_json: bool,
    config: Path | None,
) -> None:
    """Bring the index in step with files and folders.

    Unchanged files are skipped by their content, changed ones are replaced, and files that are gone
    leave the index. A server that is running picks the new version up by itself.

    \b
    Examples:
      plumbline ingest docs/                     a folder
      plumbline ingest docs/ --prune             and nothing but this folder
      plumbline ingest faq.md --collection help  one file, another collection

    Exit code 3 means that some files failed; each is listed with its reason, the rest is done.
    """
    if not paths and not remove:
        raise click.UsageError("Missing argument 'PATHS...'.")
    settings = load_settings(config, index_dir=index_dir, retrieval__collection=collection)
    encoder = Encoder(settings.retrieval.encoder)
    with progress_bars() as progress:
        run = Ingest(settings.index, encoder, settings.retrieval, progress=progress).run
        report = run([*paths, *remove], settings.retrieval.collection, prune=prune, rebuild=rebuild)
    if as_json:
        print_json(report.to_wire())
    else:
        _show(report)
    if report.failed:
        context.exit(SOME_FAILED)


def _show(report: Report) -> None:
    # A program that reads our lines gets them whole; a person gets them folded to the window.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 240)
    table = Table("status", "file", "chunks", "reason", box=None)
    for file in report.files:
        if file.status != "unchanged":
            table.add_row(file.status, file.path, str(file.chunks or ""), file.reason)
    if table.row_count:
        console.print(table)
    counts = ", ".join(f"{count} {status}" for status, count in report.counts.items())
    console.print(counts or "No files found.", markup=False)
