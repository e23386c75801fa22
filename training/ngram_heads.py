"""Fit the n-gram heads of the hard propositions, for Chinese.

    make judge-heads DATA=folder        # or python -m training.ngram_heads --help

The examples are our own (`training/data/answers.zh.jsonl`): answers that must never be served, and
harmless ones that a careless guard would stop. Runs of ordinary sentences join as harmless. The
bias is moved so that hardly any harmless answer, judged by weights that have not seen it, crosses
one half.
"""

from __future__ import annotations

import json
from pathlib import Path

import click
import numpy as np
from safetensors.numpy import save_file
from scipy.sparse import csr_matrix

from rbrm.ngrams import DIMENSIONS, ngrams
from training.judge_heads import HARD, fit_hard, ordinary_answers, read_lines

VERSION = "1"
REGULARISATION = 10.0


def matrix(texts: list[str]) -> csr_matrix:
    """Unit rows over the hashed n-grams: (n, DIMENSIONS)."""
    rows = [ngrams(text) for text in texts]
    values = [np.full(len(row), 1 / np.sqrt(max(1, len(row)))) for row in rows]
    edges = np.cumsum([0, *(len(row) for row in rows)])
    return csr_matrix(
        (np.concatenate(values), np.concatenate(rows), edges), shape=(len(texts), DIMENSIONS)
    )


@click.command()
@click.option(
    "--answers", default=Path("training/data/answers.zh.jsonl"), type=click.Path(path_type=Path)
)
@click.option("--paragraphs", required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--out", default=Path("rbrm/weights"), type=click.Path(path_type=Path))
@click.option("--seed", default=0, show_default=True)
def main(answers: Path, paragraphs: Path, out: Path, seed: int) -> None:
    """Fit every head and write `ngrams.safetensors` and `ngrams.json`."""
    rows, ordinary = read_lines(answers), ordinary_answers(paragraphs, 1000, seed)
    features = matrix([row["answer"] for row in rows] + ordinary)
    fitted = {
        head: fit_hard(rows, features, label, seed, REGULARISATION) for head, label in HARD.items()
    }
    out.mkdir(parents=True, exist_ok=True)
    save_file(
        {"zh": np.stack([weights for weights, _ in fitted.values()]).astype(np.float16)},
        out / "ngrams.safetensors",
        metadata={"card": json.dumps({"names": list(HARD), "version": VERSION})},
    )
    card = {
        "version": VERSION,
        "seed": seed,
        "zh": {n: figures for n, (_, figures) in fitted.items()},
    }
    (out / "ngrams.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    click.echo(json.dumps(card, indent=1))


if __name__ == "__main__":
    main()
