"""Dense search: FAISS over the chunk vectors of one collection.

Small collections have a flat index. From `flat_limit` chunks on they have inverted lists of scalar
quantised vectors (a quarter of the memory, a hundredth of the time), whose best hits are scored
again exactly from the stored vectors: the quantiser costs no recall then.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import faiss
import numpy as np

from contract.passage import Vector
from retrieval.embeddings import Ids
from retrieval.manifest import DenseRecord
from retrieval.places import Places
from retrieval.visible import Visible

# Hits of the quantised index that are scored again exactly.
RESCORED = 100
# Up to this many visible chunks all are compared: quicker than a search that skips nearly everything.
_MOST_COMPARED = 4000


class DenseIndex:
    """The vectors of one collection, mapped into memory where FAISS can."""

    def __init__(self, path: Path, record: DenseRecord, places: Places, matrix: Vector) -> None:
        self._record = record
        self._places = places
        self._matrix = matrix
        mapped = record.kind == "ivf"
        self._index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC if mapped else 0)

    @property
    def size(self) -> int:
        """Number of vectors."""
        return int(self._index.ntotal)

    def search(self, query: Vector, depth: int, visible: Visible | None = None) -> dict[int, float]:
        """Chunk id -> cosine of the `depth` nearest chunks; query (d,), unit length."""
        if visible is None:
            return self._nearest(query, depth, None, 1.0)
        if len(visible.positions) <= _MOST_COMPARED:
            return self._best(query, self._places.ids[visible.positions], depth)
        share = len(visible.positions) / len(self._places)
        return self._nearest(query, depth, faiss.IDSelectorBitmap(visible.bits), share)

    def scores(self, query: Vector, ids: Sequence[int]) -> dict[int, float]:
        """Exact cosine of the given chunks."""
        return self._best(query, np.asarray(sorted(ids), dtype=np.int64), len(ids))

    def _nearest(
        self, query: Vector, depth: int, selector: faiss.IDSelector | None, share: float
    ) -> dict[int, float]:
        depth = min(depth, self.size)
        if self._record.kind == "flat":
            options = faiss.SearchParameters(sel=selector) if selector else None
            scores, ids = self._index.search(query[None, :], depth, params=options)
            return {int(i): float(s) for i, s in zip(ids[0], scores[0], strict=True) if i >= 0}
        # Where few chunks are visible, as many lists are searched as hold like numbers of them.
        probes = min(self._record.lists, round(self._record.probes / max(share, 0.02)))
        options = faiss.SearchParametersIVF(nprobe=probes, sel=selector)
        wanted = min(self.size, max(RESCORED, 2 * depth))
        _, ids = self._index.search(query[None, :], wanted, params=options)
        return self._best(query, np.sort(ids[0][ids[0] >= 0]), depth)

    def _best(self, query: Vector, ids: Ids, depth: int) -> dict[int, float]:
        if not len(ids):
            return {}
        scores = self._matrix[self._places.rows_of(ids)] @ query
        best = np.argsort(-scores, kind="stable")[:depth]
        return {int(ids[i]): float(scores[i]) for i in best}
