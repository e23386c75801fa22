"""`plumbline eval questions`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click
import orjson

from contract.errors import ConfigurationError
from contract.files import write_atomically
from contract.terminal import Command, config_option, index_option, load_settings, progress_bars
from retrieval.retrieve import Retriever
from text.encoders import build_encoder
from training.evaluation.asking import QuestionWriter
from training.evaluation.questions import write_questions


@click.command("questions", cls=Command, short_help="Make an evaluation set from the documents.")
@click.option(
    "-n", "wanted", default=100, show_default=True, type=click.IntRange(1), help="Questions."
)
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="File to write."
)
@click.option("--policy-url", help="Model server that writes the questions, with /v1 at its end.")
@click.option("--model", help="Its model; unset: the first that it lists.")
@click.option("--collection", help="Collection to draw from.")
@click.option("--seed", default=0, show_default=True, help="Seed of which passages are drawn.")
@index_option
@config_option
def questions(
    wanted: int,
    out: Path,
    policy_url: str | None,
    model: str | None,
    collection: str | None,
    seed: int,
    index_dir: Path | None,
    config: Path | None,
) -> None:
    """Make a first evaluation set from the documents: question, reference answer, passages, document.

    A policy writes a question for passages drawn evenly over the documents. What would be a bad test is left
    out, and counted: an answer that is not in the passage, a question that gives it away, repeats another
    or does not find its passage.
    """
    settings = load_settings(config, index_dir=index_dir, policy__model=model)
    url = policy_url or next(iter(settings.policy.servers), None)
    if url is None:
        raise ConfigurationError(
            "Questions are written by a language model, and none is set. Give --policy-url "
            "http://127.0.0.1:8001/v1, or set policy.url."
        )
    key = settings.policy.api_key.get_secret_value() if settings.policy.api_key else None
    retriever = Retriever(settings.index, build_encoder(settings), settings.retrieval)
    retriever.check()
    writer = QuestionWriter(url, settings.policy.model, key, seed)
    with progress_bars() as progress:
        rows, dropped = write_questions(
            retriever, writer, wanted, collection=collection, seed=seed, progress=progress
        )
    retriever.close()
    if not rows:
        raise ConfigurationError(
            f"No question was good enough. {_told(dropped) or 'No text to ask about.'}"
        )
    write_atomically(out, b"".join(orjson.dumps(row) + b"\n" for row in rows))
    documents = len({row["document"] for row in rows})
    click.echo(f"{len(rows)} questions about {documents} documents in {out}")
    if dropped:
        click.echo(f"Left out: {_told(dropped)}")
    if len(rows) < wanted:
        click.echo(f"Fewer than the {wanted} that were asked for: the documents gave no more.")


def _told(dropped: Counter[str]) -> str:
    return "; ".join(f"{count} because {reason}" for reason, count in dropped.most_common())
