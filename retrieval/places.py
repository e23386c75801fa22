"""Where the chunks of a collection are: chunk id, row of its vector, number of its document."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from contract.files import write_atomically
from retrieval.embeddings import Embeddings, Ids


@dataclass(frozen=True, slots=True)
class Places:
    """Three columns (n,), ordered by chunk id."""

    ids: Ids
    rows: Ids
    documents: Ids

    def __len__(self) -> int:
        return len(self.ids)

    def rows_of(self, ids: Ids) -> Ids:
        """The rows of chunks that are among these."""
        return self.rows[np.searchsorted(self.ids, ids)]


NOWHERE = Places(*(np.zeros(0, dtype=np.int64) for _ in range(3)))


def read_places(path: Path) -> Places:
    """Map the file that `write_places` wrote."""
    columns = np.load(path, mmap_mode="r", allow_pickle=False)
    return Places(*columns) if columns.size else NOWHERE


def write_places(path: Path, places: Places) -> None:
    """Write the file, durable when this returns."""
    buffer = io.BytesIO()
    np.save(buffer, np.stack([places.ids, places.rows, places.documents]), allow_pickle=False)
    write_atomically(path, buffer.getvalue())


def find_places(
    chunks: Sequence[tuple[int, int, bytes]], store: Embeddings, before: Places = NOWHERE
) -> Places:
    """The places of chunks given as (id, document number, embedding key), ordered by id.

    Rows of chunks that were in `before` are taken from there: a chunk is never changed under its id.
    """
    ids = np.fromiter((i for i, _, _ in chunks), dtype=np.int64, count=len(chunks))
    documents = np.fromiter((d for _, d, _ in chunks), dtype=np.int64, count=len(chunks))
    rows = np.empty(len(chunks), dtype=np.int64)
    old = np.isin(ids, before.ids)
    rows[old] = before.rows_of(ids[old])
    fresh = np.flatnonzero(~old)
    rows[fresh] = store.rows([chunks[int(i)][2] for i in fresh])
    return Places(ids, rows, documents)
