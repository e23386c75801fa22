"""A million chunks on one machine: time to build, memory to open, time to ask.

    python -m benchmarks.scale --chunks 1000000 --folder /tmp/scale

The first 10,000 vectors are real: sentences of the handbook in `examples/`, joined in twos and threes
and encoded. The others are mixed from three of them each, with noise. Texts are drawn from the
handbook's words with their own frequencies, so that the lexical side has common terms and rare ones.
A tenth of the documents carry the label `staff`, and each has a `year`.

Reported side by side with a flat FAISS index of the same vectors, as median milliseconds of one core.
"""

from __future__ import annotations

import json
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import click
import faiss
import numpy as np
from rich.progress import track

from benchmarks.report import publish, table
from contract.access import Access
from contract.filters import Comparison
from contract.passage import Vector
from ingest.load import load
from ingest.records import Known, write_document
from ingest.split import Piece
from retrieval import catalogue
from retrieval.dense import DenseIndex
from retrieval.embeddings import Embeddings, embedding_key
from retrieval.generation import Writer, commit
from retrieval.index import Index, Query
from retrieval.manifest import (
    CATALOGUE,
    EncoderRecord,
    Manifest,
)
from text.encoder import Encoder, Encoding
from text.sentences import sentence_spans
from text.terms import content_terms

REAL, PER_DOCUMENT, WORDS, BLOCK = 10_000, 10, 120, 10_000
FLAT_LIMIT = 200_000
ASKED = 200
RECENT = Comparison(type="gte", key="year", value=2020)
HANDBOOK = Path("examples/handbook")


def real_texts(count: int) -> list[str]:
    """Twos and threes of sentences from the handbook."""
    random = np.random.default_rng(0)
    sentences: list[str] = []
    for path in sorted(HANDBOOK.glob("*.*")):
        text = load(path, path.read_bytes()).text
        sentences += [text[a:b] for a, b in sentence_spans(text) if b - a > 30]
    picks = (random.choice(len(sentences), random.integers(2, 4)) for _ in range(count))
    return [" ".join(sentences[i] for i in pick) for pick in picks]


def mixed(real: Vector, count: int, seed: int) -> Vector:
    """Unit vectors, each mixed from three real ones and a fifth of noise: (count, d)."""
    random = np.random.default_rng(seed)
    shares = random.dirichlet((1, 1, 1), count).astype(np.float32)
    picks = random.integers(len(real), size=(count, 3))
    rows = np.einsum("ns,nsd->nd", shares, real[picks])
    noise = random.standard_normal(rows.shape).astype(np.float32)
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    rows += 0.2 * noise / np.linalg.norm(noise, axis=1, keepdims=True)
    return np.ascontiguousarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


class Words:
    """Texts of words drawn by a long-tailed distribution: the handbook's words are the common ones,
    made-up ones (`kw123`) the rare."""

    def __init__(self, texts: list[str], rare: int = 200_000) -> None:
        common = sorted({w for text in texts for w in text.split() if w.isalpha()})
        self._words = np.asarray([*common, *(f"kw{n}" for n in range(rare))])
        ranks = np.arange(1, len(self._words) + 1)
        self._shares = (1 / ranks) / (1 / ranks).sum()

    def texts(self, count: int, random: np.random.Generator, length: int = WORDS) -> list[str]:
        drawn = random.choice(self._words, size=(count, length), p=self._shares)
        return [" ".join(row) for row in drawn]


def fill(folder: Path, encoder: Encoder, chunks: int) -> None:
    """The catalogue and the vectors, as an ingest leaves them before it publishes."""
    texts = real_texts(min(REAL, chunks))
    parts = [texts[start : start + 100] for start in range(0, len(texts), 100)]
    encoded = (encoder.encode(part) for part in track(parts, "encoding"))
    real = np.stack([encoding.vector for part in encoded for encoding in part])
    words, random = Words(texts), np.random.default_rng(2)
    store = Embeddings(folder, encoder.fingerprint, encoder.dimensions)
    connection = catalogue.open_for_writing(folder / CATALOGUE)
    nothing = np.zeros((0, encoder.dimensions), dtype=np.float32)
    for start in track(range(0, chunks, BLOCK), "filling"):
        count = min(BLOCK, chunks - start)
        vectors = real[:count] if start == 0 else mixed(real, count, start)
        keys = [embedding_key("scale", "", str(start + n)) for n in range(count)]
        store.add((key, [], Encoding(v, nothing)) for key, v in zip(keys, vectors, strict=True))
        _documents(connection, start, words.texts(count, random), keys)
    connection.execute("COMMIT")
    connection.close()
    store.close()


def _documents(
    connection: sqlite3.Connection, start: int, texts: list[str], keys: list[bytes]
) -> None:
    for first in range(0, len(texts), PER_DOCUMENT):
        number = (start + first) // PER_DOCUMENT
        part = slice(first, first + PER_DOCUMENT)
        pieces = [Piece(0, len(text), "", None, text, ()) for text in texts[part]]
        known = Known(
            id=f"{number:016x}",
            collection="default",
            location=Path(f"/scale/{number}.txt"),
            path=f"{number}.txt",
            stamp="",
            content_hash="",
            recipe="",
            status="indexed",
            title=f"Document {number}",
            labels=("staff",) if number % 10 == 0 else (),
            label_source="file",
            attributes={"year": 2000.0 + number % 25},
        )
        write_document(connection, known, pieces, keys[part])


def build(folder: Path, encoder: Encoder) -> list[list[str]]:
    """Publish the index; rows of the report."""
    with closing(catalogue.open_for_writing(folder / CATALOGUE)) as connection:
        store = Embeddings(folder, encoder.fingerprint, encoder.dimensions)
        wall, cpu = time.perf_counter(), time.process_time()
        record = Writer(folder, connection, store, FLAT_LIMIT).write("default", 1, None)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        store.close()
        manifest = Manifest(
            schema_version=catalogue.SCHEMA,
            generation=1,
            encoder=EncoderRecord(
                name=encoder.name, fingerprint=encoder.fingerprint, dimensions=encoder.dimensions
            ),
            splitter={"chunk_tokens": 200, "overlap_tokens": 0},
            documents=record.chunks // PER_DOCUMENT,
            chunks=record.chunks,
            collections={"default": record},
        )
        commit(folder, connection, manifest)
    made = record.dense
    return [
        ["chunks", f"{record.chunks:,}"],
        ["index", f"{made.kind}, {made.lists} lists, {made.probes} visited, recall {made.recall}"],
        ["build from vectors and texts: seconds", f"{wall:.0f} (processor {cpu:.0f})"],
    ]


def queries(folder: Path, encoder: Encoder) -> list[Query]:
    """Questions: a vector between those of the index, and eight terms from common to rare."""
    store = Embeddings(folder, encoder.fingerprint, encoder.dimensions, read_only=True)
    vectors = mixed(np.asarray(store.matrix()[:REAL]), ASKED, 7)
    store.close()
    words, random = Words(real_texts(REAL)), np.random.default_rng(8)
    texts = words.texts(ASKED, random, length=8)
    return [
        Query(dict.fromkeys(content_terms(t), 1.0), v) for t, v in zip(texts, vectors, strict=True)
    ]


def median_ms(call: Callable[[Query], object], asked: list[Query]) -> float:
    """Median processor time of a call, in milliseconds: what one core needs, busy machine or not."""
    spent = []
    for query in asked:
        start = time.process_time()
        call(query)
        spent.append(time.process_time() - start)
    return float(np.median(spent)) * 1000


def ask(folder: Path, encoder: Encoder) -> list[list[object]]:
    """Rows of the report: what a question costs, by side and as a whole."""
    faiss.omp_set_num_threads(1)
    asked = queries(folder, encoder)
    before = _resident()
    opened = time.perf_counter()
    index = Index(folder, encoder)
    opened = time.perf_counter() - opened
    default = index._collections["default"]
    staff = Access(frozenset({"staff"}))

    def plain(query: Query) -> object:
        return index.search(query, "default", k=10, depth=50, dense_weight=0.5)

    def filtered(query: Query) -> object:
        return index.search(
            query, "default", k=10, depth=50, dense_weight=0.5, access=staff, where=RECENT
        )

    kinds: dict[str, Callable[[Query], object]] = {
        "dense: ms": lambda q: default.dense.search(_vector(q), 50),
        "lexical: ms": lambda q: default.lexical.search(q.terms, 50),
        "whole path, documents without labels: ms": plain,
        "whole path, label `staff` and `year >= 2020`: ms": filtered,
    }
    rows: list[list[object]] = [["open: seconds, checksums included", f"{opened:.1f}"]]
    for name, call in kinds.items():
        call(asked[0])
        rows.append([name, f"{median_ms(call, asked):.2f}"])
    added = (_resident() - before) / 1e6
    rows.append(["memory added by opening and asking: MB", f"{added:.0f}"])
    return [*rows, *against_flat(folder, encoder, asked, default.dense)]


def against_flat(
    folder: Path, encoder: Encoder, asked: list[Query], dense: DenseIndex
) -> list[list[object]]:
    """The rival: every vector compared."""
    store = Embeddings(folder, encoder.fingerprint, encoder.dimensions, read_only=True)
    matrix = store.matrix()
    flat = faiss.IndexFlatIP(encoder.dimensions)
    for start in range(0, len(matrix), 65536):
        flat.add(np.ascontiguousarray(matrix[start : start + 65536]))
    store.close()
    truth = [flat.search(_vector(q)[None, :], 10)[1][0] + 1 for q in asked]
    found = [list(dense.search(_vector(q), 10)) for q in asked]
    recall = np.mean([np.isin(t, f).mean() for t, f in zip(truth, found, strict=True)])
    cost = median_ms(lambda q: flat.search(_vector(q)[None, :], 10), asked[:20])
    return [["recall@10 of the dense side", f"{recall:.4f}"], ["flat FAISS: ms", f"{cost:.1f}"]]


def _vector(query: Query) -> Vector:
    assert query.vector is not None
    return query.vector


def _resident() -> int:
    """Resident memory that belongs to this process alone, in bytes: mapped files are the system's."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@click.command()
@click.option("--chunks", default=1_000_000, show_default=True)
@click.option("--folder", type=click.Path(path_type=Path), required=True, help="An empty place.")
@click.option("--build-only", is_flag=True, hidden=True)
def main(chunks: int, folder: Path, build_only: bool) -> None:
    """Build an index of many chunks in FOLDER, unless it is there already, and ask it."""
    encoder = Encoder()
    if build_only:
        folder.mkdir(parents=True)
        fill(folder, encoder, chunks)
        (folder / "build.json").write_text(json.dumps(build(folder, encoder)))
        return
    if not (folder / "build.json").is_file():
        # In a process of its own, so that nothing of the build counts as memory of a reader.
        command = [sys.executable, "-m", "benchmarks.scale", "--build-only"]
        options = ["--folder", str(folder), "--chunks", str(chunks)]
        subprocess.run([*command, *options], check=True)
    rows = json.loads((folder / "build.json").read_text()) + ask(folder, encoder)
    publish(
        "scale", f"python -m benchmarks.scale --chunks {chunks} --folder …", table(["", ""], rows)
    )


if __name__ == "__main__":
    main()
