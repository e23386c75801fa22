"""Does the right paragraph come first?

    python -m benchmarks.retrieval xquad.en.json xquad.zh.json
    python -m benchmarks.retrieval --int8 xquad.en.json        what the int8 copy of the encoder costs

Paragraph retrieval on SQuAD-format files that you provide: each paragraph is a document, each
question must find its own. Rivals in the same run, on the same index: the lexical side alone, the
dense side alone, rank fusion and min-max fusion of the two, whatever the encoder can read.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from benchmarks.report import publish, table
from contract.passage import Hit
from contract.settings import RetrievalSettings, Settings
from ingest.build import Ingest
from retrieval.coverage import by_coverage
from retrieval.index import Index, Query
from text.encoder import Encoder
from text.encoders import build_encoder
from text.terms import content_terms

DEPTH, K = 50, 10

Search = Callable[[Index, Query], list[str]]


def plumbline(index: Index, query: Query) -> list[str]:
    """Plumbline's own search (`query.vector` is None where the encoder is not to be asked)."""
    hits = _hits(index, query)
    if query.vector is None:
        hits = by_coverage(hits, index.rarity(query.terms, "default"))
    return _documents(hits)


def fused(index: Index, query: Query) -> list[str]:
    """Min-max scaled scores of both sides, added."""
    return _documents(_hits(index, query))


def _hits(index: Index, query: Query) -> list[Hit]:
    return index.search(query, "default", k=DEPTH, depth=DEPTH, dense_weight=0.5)


def _documents(hits: Sequence[Hit]) -> list[str]:
    return list(dict.fromkeys(hit.chunk.document for hit in hits))


def lexical(index: Index, query: Query) -> list[str]:
    """BM25 alone."""
    return fused(index, Query(query.terms, None))


def dense(index: Index, query: Query) -> list[str]:
    """The encoder alone."""
    return fused(index, Query({}, query.vector))


def rank_fusion(index: Index, query: Query) -> list[str]:
    """Reciprocal rank fusion with the usual constant of 60."""
    scores: dict[str, float] = {}
    for ranking in (lexical(index, query), dense(index, query)):
        for rank, document in enumerate(ranking, 1):
            scores[document] = scores.get(document, 0.0) + 1 / (60 + rank)
    return sorted(scores, key=lambda document: -scores[document])


def measure(path: Path, encoder: Encoder) -> list[list[object]]:
    """Recall at 1 and 10 of every system."""
    settings = RetrievalSettings()
    data = json.loads(path.read_text("utf-8"))["data"]
    paragraphs = [p for article in data for p in article["paragraphs"]]
    with tempfile.TemporaryDirectory() as folder:
        documents = Path(folder) / "documents"
        documents.mkdir()
        names = [str(documents / f"{i:05d}.txt") for i in range(len(paragraphs))]
        for name, paragraph in zip(names, paragraphs):
            Path(name).write_text(paragraph["context"], "utf-8")
        Ingest(Path(folder) / "index", encoder, settings).run([documents], "default")
        index = Index(Path(folder) / "index", encoder)
        asked = [(qa["question"], name) for name, p in zip(names, paragraphs) for qa in p["qas"]]
        vectors = [e.vector for e in encoder.encode([question for question, _ in asked])]
        always = [
            Query(dict.fromkeys(content_terms(q), 1.0), v) for (q, _), v in zip(asked, vectors)
        ]
        known = [encoder.reads(q, settings.max_unknown_share) for q, _ in asked]
        served = [q if k else Query(q.terms, None) for q, k in zip(always, known)]
        systems: dict[str, tuple[Search, Sequence[Query]]] = {
            "dense alone": (dense, always),
            "BM25 alone": (lexical, always),
            "rank fusion": (rank_fusion, always),
            "min-max fusion": (fused, always),
            "Plumbline": (plumbline, served),
        }
        rows: list[list[object]] = []
        for system, (search, queries) in systems.items():
            found = [search(index, query)[:K] for query in queries]
            first = sum(f[:1] == [name] for f, (_, name) in zip(found, asked)) / len(asked)
            ten = sum(name in f for f, (_, name) in zip(found, asked)) / len(asked)
            rows.append([path.name, system, f"{first:.1%}", f"{ten:.1%}"])
        index.close()
    return rows


@click.command()
@click.argument(
    "squad_files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True)
)
@click.option("--int8", is_flag=True, help="Compare the int8 copy of the encoder with torch.")
def main(squad_files: tuple[Path, ...], int8: bool) -> None:
    """Index every paragraph, ask every question, write the result."""
    if int8:
        compare_int8(squad_files)
        return
    encoder = Encoder()
    rows = [row for path in squad_files for row in measure(path, encoder)]
    names = " ".join(path.name for path in squad_files)
    header = ["set", "system", "R@1", "R@10"]
    publish("retrieval", f"python -m benchmarks.retrieval {names}", table(header, rows))


def compare_int8(squad_files: Sequence[Path]) -> None:
    """The systems that use vectors, with either engine in index and question."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings().replace({"data_dir": folder})
        copy = build_encoder(settings.replace({"retrieval.encoder_engine": "onnx-int8"}))
        for path in squad_files:
            for encoder in (Encoder(), copy):
                found = [row for row in measure(path, encoder) if row[1] != "BM25 alone"]
                rows += [[name, encoder.name, *rest] for name, *rest in found]
    names = " ".join(path.name for path in squad_files)
    header = ["set", "encoder", "system", "R@1", "R@10"]
    publish("retrieval-int8", f"python -m benchmarks.retrieval --int8 {names}", table(header, rows))


if __name__ == "__main__":
    main()
