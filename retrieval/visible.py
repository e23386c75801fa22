"""Which chunks of a collection a question may draw on: what the caller may see, and what matches.

The answer is worked out over documents and then spread over their chunks. It is the same for every
side of the search, so that nothing hidden can come in through another door.
"""

from __future__ import annotations

import json
import sqlite3
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from contract.access import Access
from contract.filters import Filter
from retrieval.catalogue import own_attributes
from retrieval.embeddings import Ids
from retrieval.places import Places

# Callers with like labels and filters come again; each entry holds a bit for each chunk.
_KEPT = 64


@dataclass(frozen=True, slots=True)
class Visible:
    """Some chunks of a collection.

    `documents` (m,) are the numbers of their documents, `positions` (n,) where the chunks stand in
    the collection's places, `bits` one bit for each chunk id.
    """

    documents: Ids
    positions: Ids
    bits: npt.NDArray[np.uint8]

    def admits(self, chunk: int) -> bool:
        """Is this chunk among them?"""
        return bool(self.bits[chunk >> 3] >> (chunk & 7) & 1)


class Visibility:
    """Works out and remembers what is visible in one collection of one version."""

    def __init__(self, connection: sqlite3.Connection, collection: str, places: Places) -> None:
        self._connection = connection
        self._collection = collection
        self._places = places
        self._kept: OrderedDict[tuple[Access, Filter | None], Visible] = OrderedDict()
        self._label_sets = [
            (tuple(json.loads(labels)), labels)
            for (labels,) in connection.execute(
                "SELECT DISTINCT labels FROM document WHERE collection = ?", (collection,)
            )
        ]

    def of(self, access: Access, where: Filter | None) -> Visible | None:
        """The visible chunks; None where all are."""
        if where is None and all(access.admits(labels) for labels, _ in self._label_sets):
            return None
        key = (access, where)
        if key not in self._kept:
            self._kept[key] = self._spread(self._documents(access, where))
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def _documents(self, access: Access, where: Filter | None) -> Ids:
        admitted = {text for labels, text in self._label_sets if access.admits(labels)}
        rows = self._connection.execute(
            "SELECT number, labels, path, title, modified, attributes FROM document "
            "WHERE collection = ? ORDER BY number",
            (self._collection,),
        )
        return np.fromiter(
            (
                number
                for number, labels, path, title, modified, given in rows
                if labels in admitted
                and (
                    where is None
                    or where.matches(own_attributes(path, title, modified, json.loads(given)))
                )
            ),
            dtype=np.int64,
        )

    def _spread(self, documents: Ids) -> Visible:
        inside = np.isin(self._places.documents, documents)
        positions = np.flatnonzero(inside).astype(np.int64)
        ids = self._places.ids
        flags = np.zeros(int(ids[-1]) + 1 if len(ids) else 0, dtype=np.bool_)
        flags[ids[positions]] = True
        return Visible(documents, positions, np.packbits(flags, bitorder="little"))
