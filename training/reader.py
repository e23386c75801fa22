"""Learn the reader's sentence score and its support estimate from SQuAD-format files.

    python -m training.reader --out retrieval/support.json xquad.en.json xquad.zh.json
    python -m training.reader --validate xquad.en.json xquad.zh.json

The sentence score is a softmax over the sentences of the retrieved passages (the gold answer's
sentence against the rest). The support estimate is a logistic regression. Questions without an answer
are of two kinds: the article is not in the index (half of the articles are indexed in turn), or the
paragraph is not among the passages. People word a question less closely to the text than the authors
of these sets, so each example is also learned with some of the question's terms made unknown.
"""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click
import numpy as np

from contract.passage import Evidence, Vector
from contract.settings import ReaderSettings, RetrievalSettings
from ingest.build import Ingest
from retrieval.features import FEATURES, evidence_features
from retrieval.retrieve import Retriever
from retrieval.support import (
    JOIN_WITHIN,
    SUPPORT_FEATURES,
    Scored,
    SupportModel,
    further,
    ranked_by,
    side_of,
    support,
    support_features,
)
from text.encoder import Encoder
from training.linear import fit_rank, fit_support

_RANK_DECAY, _SUPPORT_DECAY = 1e-4, 1e-3
# What these sets can't teach: they hold no headings and hardly a question.
_PRIOR = {FEATURES.index("is_question"): -3.0, FEATURES.index("short"): -0.5}
# Shares of terms made unknown in the copies of an example.
_UNKNOWN = (0.0, 0.25, 0.45)
_FOLDS = 5
# Share of questions about articles that are not indexed that the default threshold must refuse; where
# the encoder can't help, a higher one would cost more wrong abstentions than it saves.
_HONEST = {"dense": 0.93, "lexical": 0.88}


@dataclass(frozen=True)
class Question:
    text: str
    article: int
    paragraph: int
    answers: tuple[str, ...]

    @property
    def file(self) -> str:
        """Name of the document that holds the answer."""
        return f"{self.article:03d}-{self.paragraph:03d}.txt"


@dataclass(frozen=True)
class Example:
    """One question against an index that holds its article, or does not."""

    evidence: Evidence
    question: Question
    answerable: bool


def read_squad(path: Path) -> tuple[list[list[str]], list[Question]]:
    """Paragraphs by article, and the questions."""
    articles, questions = [], []
    for number, article in enumerate(json.loads(path.read_text(encoding="utf-8"))["data"]):
        articles.append([p["context"] for p in article["paragraphs"]])
        for place, paragraph in enumerate(article["paragraphs"]):
            for qa in paragraph["qas"]:
                answers = tuple(a["text"] for a in qa["answers"])
                questions.append(Question(qa["question"], number, place, answers))
    return articles, questions


def examples(path: Path, encoder: Encoder, seed: int) -> Iterator[Example]:
    """Each question with every article indexed, and with half of them, not its own."""
    articles, questions = read_squad(path)
    order = list(range(len(articles)))
    random.Random(seed).shuffle(order)
    settings = RetrievalSettings()
    for kept in (set(order), set(order[::2]), set(order[1::2])):
        with tempfile.TemporaryDirectory() as folder:
            documents = Path(folder) / "documents"
            documents.mkdir()
            for number in sorted(kept):
                for i, paragraph in enumerate(articles[number]):
                    (documents / f"{number:03d}-{i:03d}.txt").write_text(paragraph, "utf-8")
            Ingest(Path(folder) / "index", encoder, settings).run([documents], "default")
            retriever = Retriever(Path(folder) / "index", encoder, settings)
            for question in questions:
                known = question.article in kept
                if len(kept) == len(articles) or not known:
                    yield Example(retriever.retrieve(question.text), question, known)
            retriever.close()


@dataclass(frozen=True)
class Prepared:
    """An example with the features and gold marks of its sentences."""

    example: Example
    table: Vector
    gold: Vector
    worded_less: bool
    near: bool

    def ranked(self, weights: Vector) -> list[Scored]:
        """The sentences, best first."""
        return ranked_by(self.example.evidence, self.table, weights)


def prepare(data: Iterator[Example], seed: int) -> Iterator[Prepared]:
    """The example, less closely worded, and, where it has an answer, without the paragraph."""
    chance = random.Random(seed)
    for example in data:
        evidence = example.evidence
        for share in _UNKNOWN:
            weights = {
                f"\x00{term}" if chance.random() < share else term: weight
                for term, weight in evidence.term_weights.items()
            }
            other = replace(example, evidence=replace(evidence, term_weights=weights))
            yield _prepared(other, worded_less=share > 0)
        if example.answerable:
            file = example.question.file
            left = tuple(p for p in evidence.passages if not p.document.endswith(file))
            without = replace(example, evidence=replace(evidence, passages=left), answerable=False)
            yield _prepared(without, near=True)


def _prepared(example: Example, *, worded_less: bool = False, near: bool = False) -> Prepared:
    sentences = [s for p in example.evidence.passages for s in p.sentences]
    marks = [any(answer in s.text for answer in example.question.answers) for s in sentences]
    table = evidence_features(example.evidence)
    return Prepared(example, table, np.asarray(marks, dtype=np.float32), worded_less, near)


def fit(data: Sequence[Prepared]) -> SupportModel:
    """Both models, by side."""
    rank: dict[str, Vector] = {}
    weights: dict[str, Vector] = {}
    for side in sorted({side_of(p.example.evidence) for p in data}):
        mine = [p for p in data if side_of(p.example.evidence) == side and len(p.table)]
        sets = [(p.table, p.gold) for p in mine if p.example.answerable and not p.worded_less]
        rank[side] = fit_rank(
            [(x, y) for x, y in sets if 0 < y.sum() < len(y)], _RANK_DECAY, _PRIOR
        )
        rows = np.stack(
            [support_features(p.example.evidence, p.ranked(rank[side])[0]) for p in mine]
        )
        labels = np.asarray([p.example.answerable for p in mine], dtype=np.float32)
        weights[side] = fit_support(rows, labels, _SUPPORT_DECAY)
        foreign = [not (p.example.answerable or p.worded_less or p.near) for p in mine]
        weights[side][-1] += _shift(
            rows[foreign] @ weights[side][:-1] + weights[side][-1], _HONEST[side]
        )
    return SupportModel(rank, weights, "")


def _shift(foreign: Vector, honest: float) -> float:
    """What to add to the bias, so that the default threshold refuses this share of the logits."""
    threshold = ReaderSettings().min_support
    return float(np.log(threshold / (1 - threshold)) - np.quantile(foreign, honest))


def validate(data: Sequence[Prepared], seed: int) -> dict[str, float]:
    """Shares over articles that the weights have not seen, and the length of one sentence."""
    articles = sorted({p.example.question.article for p in data})
    random.Random(seed).shuffle(articles)
    found: dict[str, list[float]] = {}
    for fold in range(_FOLDS):
        out = set(articles[fold::_FOLDS])
        model = fit([p for p in data if p.example.question.article not in out])
        for prepared in (p for p in data if p.example.question.article in out):
            for name, value in _outcome(prepared, model):
                found.setdefault(name, []).append(value)
    return {name: float(np.mean(values)) for name, values in found.items()}


def _outcome(prepared: Prepared, model: SupportModel) -> Iterator[tuple[str, float]]:
    example = prepared.example
    ranked = prepared.ranked(model.rank[side_of(example.evidence)])
    silent = not ranked or (
        support(example.evidence, ranked[0], model) < ReaderSettings().min_support
    )
    worded = " (worded less closely)" if prepared.worded_less else ""
    if not example.answerable:
        kind = "near the topic" if prepared.near else "not indexed"
        yield f"honest, {kind}{worded}", silent
        return
    yield f"wrong abstention{worded}", silent
    if not worded:
        mean = np.mean([len(scored.sentence.text) for scored in ranked])
        yield "length of the first", len(ranked[0].sentence.text) / float(mean)
        yield "plain overlap, first", prepared.gold[int(np.argmax(prepared.table[:, 0]))]
        for name, count in (("first", 1), ("first two", 2)):
            text = " ".join(s.sentence.text for s in further(ranked, count, JOIN_WITHIN))
            yield name, any(answer in text for answer in example.question.answers)


@click.command()
@click.argument("squad_files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="JSON file to write.")
@click.option("--validate", "only_validate", is_flag=True, help="Cross-validate by article.")
@click.option("--seed", default=0, show_default=True, help="Seed of the split of articles.")
def main(squad_files: tuple[Path, ...], out: Path | None, only_validate: bool, seed: int) -> None:
    """Learn the reader's weights and write them with a card of how they were made."""
    encoder = Encoder()
    sets = {path.name: list(prepare(examples(path, encoder, seed), seed)) for path in squad_files}
    if only_validate:
        for name, data in sets.items():
            shares = ", ".join(f"{k} {v:.3f}" for k, v in validate(data, seed).items())
            click.echo(f"{name}: {shares}")
    if out is not None:
        model = fit([e for data in sets.values() for e in data])
        write(model, out, {path.name: len(read_squad(path)[1]) for path in squad_files}, seed)


def write(model: SupportModel, out: Path, questions: dict[str, int], seed: int) -> None:
    """Write the weights beside a card of how they were made."""
    content = {
        "version": "2",
        "features": list(FEATURES),
        "support_features": [*SUPPORT_FEATURES, "bias"],
        "rank": {k: [round(float(w), 4) for w in v] for k, v in model.rank.items()},
        "support": {k: [round(float(w), 4) for w in v] for k, v in model.support.items()},
        "card": {
            "data": [f"{name}: {count} questions" for name, count in questions.items()],
            "method": (
                f"softmax (L2 {_RANK_DECAY:g}) and logistic regression (L2 {_SUPPORT_DECAY:g}); see "
                "training/reader.py"
            ),
            "seed": seed,
        },
    }
    out.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
