"""A collection above the limit has a trained index: it finds what a flat one finds, within what the
caller may see, and keeps up with changes."""

from pathlib import Path

import numpy as np
import pytest

from retrieval.dense import DenseIndex
from retrieval.manifest import DenseRecord
from retrieval.places import Ids, Places
from retrieval.train import write_dense
from retrieval.visible import Visible

D, N = 32, 6000


def vectors(count: int, seed: int = 0) -> np.ndarray:
    centres = np.random.default_rng(0).standard_normal((60, D))
    random = np.random.default_rng(seed + 1)
    rows = centres[random.integers(60, size=count)] + 0.5 * random.standard_normal((count, D))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def places_of(rows: Ids) -> Places:
    """Chunk ids are the rows, with a gap before each: an id is not a position."""
    return Places(rows * 3 + 7, rows, rows // 10)


MATRIX = vectors(N)
ALL = places_of(np.arange(N, dtype=np.int64))


def visible(places: Places, documents: Ids) -> Visible:
    positions = np.flatnonzero(np.isin(places.documents, documents)).astype(np.int64)
    flags = np.zeros(int(places.ids[-1]) + 1, dtype=np.bool_)
    flags[places.ids[positions]] = True
    return Visible(documents, positions, np.packbits(flags, bitorder="little"))


def exact(query: np.ndarray, places: Places, k: int = 10) -> list[int]:
    scores = MATRIX[places.rows] @ query
    return [int(i) for i in places.ids[np.argsort(-scores)[:k]]]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DenseRecord]:
    path = tmp_path_factory.mktemp("dense") / "one.faiss"
    return path, write_dense(path, ALL, MATRIX, flat_limit=1000)


def recall(index: DenseIndex, places: Places, seen: Visible | None = None) -> float:
    among = places
    if seen is not None:
        part = seen.positions
        among = Places(places.ids[part], places.rows[part], places.documents[part])
    queries = vectors(50, seed=3)
    hits = [len(set(index.search(q, 10, seen)) & set(exact(q, among))) for q in queries]
    return sum(hits) / 500


def test_it_is_chosen_by_size(trained: tuple[Path, DenseRecord], tmp_path: Path) -> None:
    assert trained[1].kind == "ivf" and trained[1].recall >= 0.99
    small = write_dense(tmp_path / "flat.faiss", ALL, MATRIX, flat_limit=N + 1)
    assert small.kind == "flat"


def test_it_finds_what_a_flat_one_finds(trained: tuple[Path, DenseRecord]) -> None:
    index = DenseIndex(*trained, ALL, MATRIX)
    assert recall(index, ALL) >= 0.99
    query = vectors(1, seed=9)[0]
    ids = list(index.search(query, 10))
    assert index.search(query, 10) == pytest.approx(index.scores(query, ids))


@pytest.mark.parametrize("share", [0.05, 0.9])
def test_it_finds_only_what_is_visible(trained: tuple[Path, DenseRecord], share: float) -> None:
    index = DenseIndex(*trained, ALL, MATRIX)
    documents = np.arange(int(N / 10 * share), dtype=np.int64)
    seen = visible(ALL, documents)
    assert recall(index, ALL, seen) >= 0.99
    query = vectors(1, seed=4)[0]
    assert all(seen.admits(i) for i in index.search(query, 50, seen))


def test_it_keeps_up_with_changes_without_training_again(
    trained: tuple[Path, DenseRecord], tmp_path: Path
) -> None:
    half = places_of(np.arange(0, N, 2, dtype=np.int64))
    first = tmp_path / "half.faiss"
    record = write_dense(first, half, MATRIX, flat_limit=1000)
    most = places_of(np.arange(500, 5500, dtype=np.int64))
    second = tmp_path / "most.faiss"
    updated = write_dense(second, most, MATRIX, 1000, (first, record, half))
    assert updated == replace_name(record, updated)
    index = DenseIndex(second, updated, most, MATRIX)
    assert index.size == 5000
    assert recall(index, most) >= 0.97
    assert set(index.search(MATRIX[0], 10)).isdisjoint({7})


def replace_name(record: DenseRecord, other: DenseRecord) -> DenseRecord:
    return record.model_copy(update={"name": other.name, "sha256": other.sha256})
