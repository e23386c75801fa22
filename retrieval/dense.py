"""Dense search: FAISS over the chunk vectors of one collection."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import faiss
import numpy as np

from contract.errors import ConfigurationError
from contract.files import write_atomically
from contract.passage import Vector
from retrieval import catalogue
from retrieval.embeddings import Embeddings
from retrieval.manifest import EMBEDDINGS, VECTORS, VectorFile, checksum


def write_collection(
    folder: Path, connection: sqlite3.Connection, collection: str, name: str, dimensions: int
) -> VectorFile:
    """Write the FAISS file of a collection from the stored vectors: a flat inner-product index of
    unit vectors under chunk ids, durable when this returns.

    Args:
        folder: the index folder.
        connection: a catalogue; the chunks that it sees are written.
        name: file name below `vectors/`.
    """
    rows = catalogue.fetch_embedding_keys(connection, collection)
    store = Embeddings(folder / EMBEDDINGS)
    try:
        vectors = store.vectors([key for _, key in rows], dimensions)
    finally:
        store.close()
    flat = faiss.IndexIDMap2(faiss.IndexFlatIP(dimensions))
    flat.add_with_ids(vectors, np.asarray([i for i, _ in rows], dtype=np.int64))
    path = folder / VECTORS / name
    path.parent.mkdir(exist_ok=True)
    write_atomically(path, faiss.serialize_index(flat).tobytes())
    return VectorFile(name=name, sha256=checksum(path), chunks=len(rows))


class DenseIndex:
    """The vectors of one collection, in memory."""

    def __init__(self, folder: Path, record: VectorFile) -> None:
        path = folder / record.name
        if not path.is_file() or checksum(path) != record.sha256:
            raise ConfigurationError(
                f"The vectors {path} are missing or damaged. Run `plumbline index rebuild`; "
                "nothing has to be encoded again."
            )
        self._index = faiss.read_index(str(path))

    @property
    def size(self) -> int:
        """Number of vectors."""
        return int(self._index.ntotal)

    def search(self, query: Vector, depth: int) -> dict[int, float]:
        """Chunk id -> cosine of the `depth` nearest chunks; query (d,), unit length."""
        scores, ids = self._index.search(query[None, :], min(depth, self._index.ntotal))
        return {int(i): float(s) for i, s in zip(ids[0], scores[0], strict=True) if i >= 0}

    def scores(self, query: Vector, ids: Sequence[int]) -> dict[int, float]:
        """Exact cosine of the given chunks."""
        return {i: float(self._index.reconstruct(i) @ query) for i in ids}
