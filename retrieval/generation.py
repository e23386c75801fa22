"""The files of one collection at one version: written together, named for the version's number."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from contract.files import sync, write_atomically
from retrieval import catalogue
from retrieval.embeddings import Embeddings, Ids, store_stem
from retrieval.lexical import Words, write_lexical
from retrieval.manifest import (
    LEXICAL,
    MANIFEST,
    VECTORS,
    CollectionRecord,
    FileRecord,
    Manifest,
    checksum,
)
from retrieval.places import NOWHERE, Places, find_places, read_places, write_places
from retrieval.train import write_dense


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes the generations of an index.

    `connection` sees the chunks to write; `flat_limit` is the number of chunks from which on a
    collection has a trained index.
    """

    folder: Path
    connection: sqlite3.Connection
    store: Embeddings
    flat_limit: int

    def write(
        self, collection: str, generation: int, before: CollectionRecord | None
    ) -> CollectionRecord:
        """Write the files of a collection, durable when this returns; where its chunks are those of
        the version before, the record of that is returned and nothing written."""
        old = read_places(self.folder / VECTORS / before.places.name) if before else NOWHERE
        chunks = catalogue.fetch_places(self.connection, collection)
        places = find_places(chunks, self.store, old)
        if before and _same(places, old):
            return before
        stem = f"{hashlib.sha256(collection.encode()).hexdigest()[:12]}-{generation}"
        for name in (VECTORS, LEXICAL):
            (self.folder / name).mkdir(exist_ok=True)
        vectors = self.folder / VECTORS
        write_places(vectors / f"{stem}.npy", places)
        dense = write_dense(
            vectors / f"{stem}.faiss",
            places,
            self.store.matrix(),
            self.flat_limit,
            (vectors / before.dense.name, before.dense, old) if before else None,
        )
        self._write_lexical(stem, places, old, before)
        return CollectionRecord(
            chunks=len(places),
            places=FileRecord(name=f"{stem}.npy", sha256=checksum(vectors / f"{stem}.npy")),
            dense=dense,
            lexical=FileRecord(name=stem, sha256=checksum(self.folder / LEXICAL / stem)),
        )

    def _write_lexical(
        self, stem: str, places: Places, old: Places, before: CollectionRecord | None
    ) -> None:
        gone = old.ids[~np.isin(old.ids, places.ids)]
        fresh = places.ids[~np.isin(places.ids, old.ids)]
        path = self.folder / LEXICAL / stem
        previous = self.folder / LEXICAL / before.lexical.name if before else None
        write_lexical(path, previous, gone.tolist(), self._words(fresh))
        sync(path)
        sync(path.parent)

    def _words(self, ids: Ids) -> Iterator[Words]:
        for i, document, heading, text in catalogue.fetch_words(self.connection, ids.tolist()):
            yield i, document, f"{heading}\n{text}"


def _same(places: Places, old: Places) -> bool:
    return np.array_equal(places.ids, old.ids) and np.array_equal(places.rows, old.rows)


def commit(folder: Path, connection: sqlite3.Connection, manifest: Manifest) -> None:
    """Make a version the one in force: its files are durable already, the catalogue's commit is the
    moment, and the copy of the manifest tells readers."""
    content = manifest.model_dump_json(indent=2)
    connection.execute("INSERT OR REPLACE INTO state VALUES (1, ?)", (content,))
    connection.execute("COMMIT")
    write_atomically(folder / MANIFEST, content.encode())


def sweep(folder: Path, current: Sequence[Manifest]) -> None:
    """Remove the files that belong to none of these versions. Call it under the writer's lock."""
    records = [record for m in current for record in m.collections.values()]
    kept = {r.places.name for r in records} | {r.dense.name for r in records}
    for path in (folder / VECTORS).iterdir():
        if path.name not in kept:
            path.unlink()
    for path in (folder / LEXICAL).iterdir():
        if path.name not in {r.lexical.name for r in records}:
            shutil.rmtree(path)
    stems = {store_stem(m.encoder.fingerprint) for m in current}
    for path in folder.glob("embeddings-*"):
        if path.name.split(".")[0] not in stems:
            path.unlink()
