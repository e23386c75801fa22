"""Learn the reader's sentence score and its support estimate from SQuAD-format files.

    python -m training.reader --out retrieval/support.json xquad.en.json xquad.zh.json

The sentence score is a softmax over the sentences of the retrieved passages (the gold answer's
sentence against the rest). The support estimate is a logistic regression: half of the articles are
indexed, and the questions about the other half have no answer there.
"""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import torch

from contract.passage import Evidence, Vector
from contract.settings import RetrievalSettings
from ingest.build import Ingest
from retrieval.retrieve import Retriever
from retrieval.support import (
    FEATURES,
    SUPPORT_FEATURES,
    SupportModel,
    passage_features,
    rank_sentences,
    side_of,
    support_features,
)
from text.encoder import Encoder


@dataclass(frozen=True)
class Question:
    text: str
    article: int
    answers: tuple[str, ...]


@dataclass(frozen=True)
class Example:
    """One question against an index that holds its article, or does not."""

    evidence: Evidence
    question: Question
    answerable: bool
    group: int


def read_squad(path: Path) -> tuple[list[list[str]], list[Question]]:
    """Paragraphs by article, and the questions."""
    articles, questions = [], []
    for number, article in enumerate(json.loads(path.read_text(encoding="utf-8"))["data"]):
        articles.append([p["context"] for p in article["paragraphs"]])
        for paragraph in article["paragraphs"]:
            for qa in paragraph["qas"]:
                answers = tuple(a["text"] for a in qa["answers"])
                questions.append(Question(qa["question"], number, answers))
    return articles, questions


def examples(path: Path, encoder: Encoder, seed: int) -> Iterator[Example]:
    """Each question twice: with its article indexed and without."""
    articles, questions = read_squad(path)
    order = list(range(len(articles)))
    random.Random(seed).shuffle(order)
    halves = (set(order[::2]), set(order[1::2]))
    settings = RetrievalSettings()
    for half in halves:
        with tempfile.TemporaryDirectory() as folder:
            documents = Path(folder) / "documents"
            documents.mkdir()
            for number in sorted(half):
                for i, paragraph in enumerate(articles[number]):
                    (documents / f"{number:03d}-{i:03d}.txt").write_text(paragraph, "utf-8")
            Ingest(Path(folder) / "index", encoder, settings).run([documents], "default")
            retriever = Retriever(Path(folder) / "index", encoder, settings)
            for question in questions:
                evidence = retriever.retrieve(question.text)
                yield Example(evidence, question, question.article in half, question.article)
            retriever.close()


def fit_rank(sets: Sequence[tuple[Vector, Vector]], decay: float = 1e-3) -> Vector:
    """Softmax regression: sets of (features (s, f), gold mask (s,)) -> weights (f,)."""
    longest = max(len(y) for _, y in sets)
    x = torch.zeros(len(sets), longest, len(FEATURES))
    absent = torch.full((len(sets), longest), -torch.inf)
    wrong = absent.clone()
    for row, (features, gold) in enumerate(sets):
        x[row, : len(gold)] = torch.from_numpy(features)
        absent[row, : len(gold)] = 0
        wrong[row, : len(gold)] = torch.from_numpy(np.where(gold > 0, 0, -np.inf))
    weights = torch.zeros(len(FEATURES), requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=200)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        scores = x @ weights
        chosen = torch.logsumexp(scores + wrong, 1) - torch.logsumexp(scores + absent, 1)
        loss = decay * weights.square().sum() - chosen.mean()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return weights.detach().numpy()


def fit_support(features: Vector, labels: Vector, decay: float = 1e-3) -> Vector:
    """Logistic regression, both classes weighted alike: (n, f), (n,) -> (f + 1,), bias last."""
    x = torch.cat([torch.from_numpy(features), torch.ones(len(features), 1)], 1)
    y = torch.from_numpy(labels)
    balance = torch.where(y > 0, 0.5 / y.mean(), 0.5 / (1 - y.mean()))
    weights = torch.zeros(x.shape[1], requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=200)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(x @ weights, y, balance)
        loss = loss + decay * weights[:-1].square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return weights.detach().numpy()


def _features(evidence: Evidence) -> Vector:
    rows = [passage_features(evidence, passage) for passage in evidence.passages]
    return np.concatenate(rows) if rows else np.zeros((0, len(FEATURES)), np.float32)


def _gold(example: Example) -> Vector:
    marks = [
        any(answer in sentence.text for answer in example.question.answers)
        for passage in example.evidence.passages
        for sentence in passage.sentences
    ]
    return np.asarray(marks, dtype=np.float32)


def fit(data: Sequence[Example]) -> SupportModel:
    """Both models, by side."""
    rank: dict[str, Vector] = {}
    support: dict[str, Vector] = {}
    for side in sorted({side_of(e.evidence) for e in data}):
        mine = [e for e in data if side_of(e.evidence) == side]
        sets = [(_features(e.evidence), _gold(e)) for e in mine if e.answerable]
        rank[side] = fit_rank([(x, y) for x, y in sets if 0 < y.sum() < len(y)])
    model = SupportModel(rank, support, "")
    for side in rank:
        rows, labels = [], []
        for example in data:
            ranked = rank_sentences(example.evidence, model)
            if side_of(example.evidence) == side and ranked:
                rows.append(support_features(example.evidence, ranked[0]))
                labels.append(example.answerable)
        support[side] = fit_support(np.stack(rows), np.asarray(labels, dtype=np.float32))
    return model


@click.command()
@click.argument("squad_files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="JSON file to write.")
@click.option("--seed", default=0, show_default=True, help="Seed of the split of articles.")
def main(squad_files: tuple[Path, ...], out: Path, seed: int) -> None:
    """Learn the reader's weights and write them with a card of how they were made."""
    encoder = Encoder()
    data = [e for path in squad_files for e in examples(path, encoder, seed)]
    model = fit(data)
    content = {
        "version": "1",
        "features": list(FEATURES),
        "support_features": [*SUPPORT_FEATURES, "bias"],
        "rank": {k: [round(float(w), 4) for w in v] for k, v in model.rank.items()},
        "support": {k: [round(float(w), 4) for w in v] for k, v in model.support.items()},
        "card": {
            "data": [f"{path.name}: {len(read_squad(path)[1])} questions" for path in squad_files],
            "method": "softmax and logistic regression, L2 1e-3; see training/reader.py",
            "seed": seed,
        },
    }
    out.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
