"""Making the FAISS file of a collection from the stored vectors.

`IVF(4·√n),SQ8`: four times the square root of n lists, trained on 40 vectors for each, one byte
for each dimension. How many lists a search visits is found by measuring: the fewest that reach the
wanted recall on vectors that are not in the index.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import faiss
import numpy as np

from contract.files import put_in_place
from contract.passage import Vector
from retrieval.dense import RESCORED
from retrieval.embeddings import Ids
from retrieval.manifest import DenseRecord, checksum
from retrieval.places import Places

WANTED_RECALL = 0.997
_NEIGHBOURS = 10
_TRIALS = 200
# FAISS wants 39 vectors for each list; where there are fewer, there are fewer lists.
_PER_LIST = 40
_BLOCK = 65536
_PROBES = (16, 24, 32, 48, 64, 96, 128)
_NOISE = 0.5
# Lists that were trained on another number of chunks by this factor are trained anew.
_OUTGROWN = 2.0


def write_dense(
    path: Path,
    places: Places,
    matrix: Vector,
    flat_limit: int,
    previous: tuple[Path, DenseRecord, Places] | None = None,
) -> DenseRecord:
    """Write the FAISS file of a generation under chunk ids, durable when this returns.

    Args:
        path: the file to write.
        places: the chunks.
        matrix: all stored vectors (rows, d).
        flat_limit: from this many chunks on the index has inverted lists.
        previous: file, record and places of the generation before, whose trained lists are used
            again while they fit.
    """
    if len(places) < flat_limit:
        index = _flat(places, matrix)
        record = DenseRecord(name=path.name, sha256="", kind="flat")
    elif previous and _still_fits(previous[1], len(places)):
        index = _updated(previous, places, matrix)
        record = previous[1].model_copy(update={"name": path.name})
    else:
        index, record = _trained(path.name, places, matrix)
    draft = path.with_suffix(".draft")
    faiss.write_index(index, str(draft))
    put_in_place(draft, path)
    return record.model_copy(update={"sha256": checksum(path)})


def _flat(places: Places, matrix: Vector) -> faiss.Index:
    index = faiss.IndexIDMap2(faiss.IndexFlatIP(matrix.shape[1]))
    for ids, vectors in _blocks(places.ids, places.rows, matrix):
        index.add_with_ids(vectors, ids)
    return index


def _trained(name: str, places: Places, matrix: Vector) -> tuple[faiss.Index, DenseRecord]:
    count = len(places)
    lists = max(1, min(round(4 * math.sqrt(count)), count // _PER_LIST))
    index = faiss.index_factory(matrix.shape[1], f"IVF{lists},SQ8", faiss.METRIC_INNER_PRODUCT)
    random = np.random.default_rng(0)
    sample = random.choice(count, min(count, _PER_LIST * lists), replace=False)
    index.train(np.ascontiguousarray(matrix[places.rows[np.sort(sample)]]))
    for ids, vectors in _blocks(places.ids, places.rows, matrix):
        index.add_with_ids(vectors, ids)
    probes, recall = _probes(index, places, matrix)
    record = DenseRecord(
        name=name, sha256="", kind="ivf", lists=lists, probes=probes, trained=count, recall=recall
    )
    return index, record


def _still_fits(record: DenseRecord, count: int) -> bool:
    grown = max(count, record.trained) / max(1, min(count, record.trained))
    return record.kind == "ivf" and grown < _OUTGROWN


def _updated(
    previous: tuple[Path, DenseRecord, Places], places: Places, matrix: Vector
) -> faiss.Index:
    path, _, before = previous
    index = faiss.read_index(str(path))
    gone = before.ids[~np.isin(before.ids, places.ids)]
    if len(gone):
        index.remove_ids(faiss.IDSelectorBatch(np.ascontiguousarray(gone)))
    fresh = ~np.isin(places.ids, before.ids)
    for ids, vectors in _blocks(places.ids[fresh], places.rows[fresh], matrix):
        index.add_with_ids(vectors, ids)
    return index


def _probes(index: faiss.Index, places: Places, matrix: Vector) -> tuple[int, float]:
    """The fewest lists that reach the wanted recall, and the recall they reach.

    The trial queries lie beside the chunks, as questions do: each is a chunk's vector pulled towards
    another one and aside.
    """
    random = np.random.default_rng(1)
    first, second = random.integers(len(places), size=(2, _TRIALS))
    queries = matrix[places.rows[first]] + 0.5 * matrix[places.rows[second]]
    aside = random.standard_normal(queries.shape).astype(np.float32)
    queries += _NOISE * aside / np.linalg.norm(aside, axis=1, keepdims=True)
    queries = np.ascontiguousarray(queries / np.linalg.norm(queries, axis=1, keepdims=True))
    truth = _exact(queries, places, matrix)
    recall = 0.0
    for probes in _PROBES:
        options = faiss.SearchParametersIVF(nprobe=min(probes, index.nlist))
        _, found = index.search(queries, min(RESCORED, len(places)), params=options)
        recall = float(np.mean([np.isin(t, f).mean() for t, f in zip(truth, found, strict=True)]))
        if recall >= WANTED_RECALL or probes >= index.nlist:
            break
    return min(probes, index.nlist), round(recall, 4)


def _exact(queries: Vector, places: Places, matrix: Vector) -> Ids:
    """Ids of the nearest chunks of each query (q, 10), by comparing all."""
    heap = faiss.ResultHeap(len(queries), _NEIGHBOURS, keep_max=True)
    for ids, vectors in _blocks(places.ids, places.rows, matrix):
        scores, positions = faiss.knn(
            queries, vectors, min(_NEIGHBOURS, len(ids)), metric=faiss.METRIC_INNER_PRODUCT
        )
        heap.add_result(scores, ids[positions])
    heap.finalize()
    found: Ids = heap.I
    return found


def _blocks(ids: Ids, rows: Ids, matrix: Vector) -> Iterator[tuple[Ids, Vector]]:
    """Ids and vectors, a block at a time, so that the matrix is never in memory as a whole."""
    for start in range(0, len(ids), _BLOCK):
        part = slice(start, start + _BLOCK)
        yield np.ascontiguousarray(ids[part]), np.ascontiguousarray(matrix[rows[part]])
