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
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold

from contract.passage import Vector
from rbrm.ngrams import DIMENSIONS, ngrams
from training.judge_heads import HARD, Row, ordinary_answers, read_lines, safe_shift

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


def fit(
    answers: list[Row], ordinary: list[str], label: str, seed: int
) -> tuple[Vector, dict[str, float]]:
    """Weights (DIMENSIONS + 1,) of one head, and its figures on folds it has not seen."""
    mine = [a["label"] == label for a in answers] + [False] * len(ordinary)
    labels = np.asarray(mine)
    harmless = np.asarray([a["label"] == "harmless" for a in answers] + [False] * len(ordinary))
    plain = np.asarray([False] * len(answers) + [True] * len(ordinary))
    # What breaks another rule is no example of harmlessness: it is left out.
    used = labels | harmless | plain
    x = matrix([a["answer"] for a in answers] + ordinary)
    scores = np.zeros(len(labels))
    for train, test in KFold(10, shuffle=True, random_state=seed).split(scores):
        kept = train[used[train]]
        scores[test] = _regression().fit(x[kept], labels[kept]).decision_function(x[test])
    shift = safe_shift(scores, harmless, plain)
    model = _regression().fit(x[used], labels[used])
    weights = np.append(model.coef_[0], model.intercept_[0] - shift).astype(np.float32)
    held = scores > shift
    return weights, {
        "positives": int(labels.sum()),
        "harmless": int(harmless.sum()),
        "ordinary": len(ordinary),
        "recall": round(float(held[labels].mean()), 3),
        "false_alarms_harmless": round(float(held[harmless].mean()), 3),
        "false_alarms_ordinary": round(float(held[plain].mean()), 4),
    }


def _regression() -> LogisticRegression:
    return LogisticRegression(C=REGULARISATION, class_weight="balanced", max_iter=5000)


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
    fitted = {head: fit(rows, ordinary, label, seed) for head, label in HARD.items()}
    out.mkdir(parents=True, exist_ok=True)
    save_file(
        {"zh": np.stack([weights for weights, _ in fitted.values()]).astype(np.float16)},
        out / "ngrams.safetensors",
        metadata={"names": json.dumps(list(HARD)), "version": VERSION},
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
