"""`plumbline search` and `plumbline index`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import click
from pydantic import TypeAdapter, ValidationError

from contract.access import OWNER, Access, check_labels
from contract.errors import ConfigurationError
from contract.filters import Filter
from contract.passage import Hit
from contract.terminal import (
    SOME_FAILED,
    Command,
    config_option,
    index_option,
    json_option,
    load_settings,
    print_json,
)
from retrieval.index import Index
from retrieval.maintain import as_read, document_text
from retrieval.maintain import rebuild as rebuild_files
from retrieval.manifest import DenseRecord
from retrieval.retrieve import Retriever
from text.encoders import build_encoder


@click.command(cls=Command, short_help="Show the ranked chunks for a question.")
@click.argument("query", required=False)
@click.option(
    "--queries",
    type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True),
    help='Lines of {"id", "query"}; one line of results for each. - reads standard input.',
)
@index_option
@click.option("--collection", help="Collection to search.")
@click.option("-k", default=10, show_default=True, type=click.IntRange(1, 1000), help="Hits.")
@click.option("--label", "labels", multiple=True, help="A label of the caller. May be repeated.")
@click.option("--all-labels", is_flag=True, help="Search every document, whatever its labels.")
@click.option(
    "--filter", "where", metavar="JSON", help="Only documents that match, as in docs/http.md."
)
@json_option
@config_option
@click.pass_context
def search(
    context: click.Context,
    query: str | None,
    queries: Path | None,
    index_dir: Path | None,
    collection: str | None,
    k: int,
    labels: tuple[str, ...],
    all_labels: bool,
    where: str | None,
    as_json: bool,
    config: Path | None,
) -> None:
    """Show the ranked chunks for a question, as the prompt would draw on them.

    Documents with labels are left out unless --label names one of theirs.

    \b
    Examples:
      plumbline search "how long is the warranty?"
      plumbline search --queries questions.jsonl --json
    """
    if (query is None) == (queries is None):
        raise click.UsageError("Give either a QUERY or --queries FILE.")
    settings = load_settings(config, index_dir=index_dir)
    retriever = Retriever(settings.index, build_encoder(settings), settings.retrieval)
    retriever.check()
    find = partial(
        retriever.search,
        collection=collection,
        k=k,
        access=OWNER if all_labels else Access(frozenset(check_labels(labels))),
        where=_filter(where),
    )
    if query is not None:
        _show({"id": None, "hits": find(query)}, as_json)
        return
    failed = False
    assert queries is not None
    for line in _lines(queries):
        try:
            asked = json.loads(line)
            _show({"id": asked.get("id"), "hits": find(str(asked["query"]))}, as_json)
        except (ValueError, KeyError, TypeError, AttributeError):
            failed = True
            message = 'The line is not JSON with "id" and "query".'
            print_json({"error": {"message": message, "code": "invalid_line"}})
    if failed:
        context.exit(SOME_FAILED)


@click.group()
def index() -> None:
    """Look into an index, check it, repair it."""


@index.command(cls=Command)
@index_option
@json_option
@config_option
def stats(index_dir: Path | None, as_json: bool, config: Path | None) -> None:
    """Show what the index holds and what made it."""
    manifest = _open(index_dir, config).manifest
    if as_json:
        print_json(manifest.model_dump(), indent=True)
        return
    click.echo(f"version     {manifest.version}")
    click.echo(f"encoder     {manifest.encoder.name} ({manifest.encoder.dimensions} dimensions)")
    click.echo(f"documents   {manifest.documents}")
    click.echo(f"chunks      {manifest.chunks}")
    for name, record in manifest.collections.items():
        click.echo(f"collection  {name}: {record.chunks} chunks, {_kind(record.dense)}")


@index.command(cls=Command)
@index_option
@config_option
def verify(index_dir: Path | None, config: Path | None) -> None:
    """Check every file of the index against its checksum and every chunk for its vector."""
    opened = _open(index_dir, config)
    problems = opened.problems()
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        raise ConfigurationError("The index is damaged. Run `plumbline ingest --rebuild PATH…`.")
    click.echo(f"The index {opened.manifest.version} is whole: {opened.manifest.chunks} chunks.")


@index.command(cls=Command)
@index_option
@config_option
def rebuild(index_dir: Path | None, config: Path | None) -> None:
    """Make the FAISS and tantivy files again from stored vectors and texts. Nothing is encoded again."""
    settings = load_settings(config, index_dir=index_dir)
    count = rebuild_files(settings.index, settings.retrieval.flat_limit)
    click.echo(f"Rebuilt the files of {count} collections.")


@index.command(cls=Command)
@click.argument("path")
@click.option("--chunks", "by_chunk", is_flag=True, help="Show where each chunk begins and ends.")
@index_option
@config_option
def text(path: str, by_chunk: bool, index_dir: Path | None, config: Path | None) -> None:
    """Print what was read from a document."""
    settings = load_settings(config, index_dir=index_dir)
    chunks = document_text(settings.index, path)
    if not by_chunk:
        click.echo("\n\n".join(as_read(chunks)))
        return
    for chunk in chunks:
        page = f", page {chunk.page}" if chunk.page else ""
        click.echo(f"── chunk {chunk.ordinal}, characters {chunk.start}–{chunk.end}{page}")
        click.echo(f"{chunk.heading}\n\n{chunk.text}\n" if chunk.heading else f"{chunk.text}\n")


def _kind(record: DenseRecord) -> str:
    if record.kind == "flat":
        return "flat"
    return (
        f"{record.lists} inverted lists, {record.probes} visited, recall@10 {record.recall:.3f} "
        f"when trained on {record.trained}"
    )


def _open(index_dir: Path | None, config: Path | None) -> Index:
    settings = load_settings(config, index_dir=index_dir)
    return Index(settings.index, build_encoder(settings))


def _filter(text: str | None) -> Filter | None:
    if text is None:
        return None
    try:
        parsed: Filter = TypeAdapter(Filter).validate_json(text)
    except ValidationError as error:
        raise ConfigurationError(
            "--filter is no filter. Write one like this: "
            '{"type": "eq", "key": "format", "value": "pdf"}'
        ) from error
    return parsed


def _lines(path: Path) -> Iterator[str]:
    if str(path) == "-":
        yield from (line for line in sys.stdin if line.strip())
        return
    with path.open(encoding="utf-8") as file:
        yield from (line for line in file if line.strip())


def _show(result: dict[str, Any], as_json: bool) -> None:
    hits: list[Hit] = result["hits"]
    if as_json:
        shown = [
            {
                "document": hit.chunk.document,
                "chunk": hit.chunk.ordinal,
                "score": round(hit.score, 6),
                "text": hit.chunk.text,
            }
            for hit in hits
        ]
        print_json({"id": result["id"], "hits": shown})
        return
    if result["id"] is not None:
        click.echo(click.style(f"# {result['id']}", bold=True))
    if not hits:
        click.echo("Nothing found.")
    for number, hit in enumerate(hits, 1):
        place = f"{hit.chunk.document} #{hit.chunk.ordinal}"
        click.echo(f"{number:2d}. {hit.score:.3f}  {click.style(place, bold=True)}")
        click.echo("    " + " ".join(hit.chunk.text.split())[:200])
