"""An index folder, opened at one version for reading."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from contract.errors import ConfigurationError, NotFound
from contract.passage import Chunk, Hit, Sentence, Vector
from retrieval import catalogue
from retrieval.dense import DenseIndex
from retrieval.embeddings import Embeddings
from retrieval.fuse import fuse
from retrieval.lexical import LexicalIndex
from retrieval.manifest import CATALOGUE, EMBEDDINGS, VECTORS, Manifest
from text.encoder import Encoder


@dataclass(frozen=True, slots=True)
class Query:
    """A question as both sides see it; `vector` is None where the encoder can't read it."""

    terms: tuple[str, ...]
    vector: Vector | None


class Index:
    """One version of an index. Not to be used by two threads at once."""

    def __init__(self, folder: Path, encoder: Encoder) -> None:
        self.folder = folder
        self._catalogue = catalogue.open_snapshot(folder / CATALOGUE)
        self.manifest = _manifest_of(self._catalogue, folder)
        self.manifest.check_encoder(encoder)
        self._embeddings = Embeddings(folder / EMBEDDINGS, read_only=True)
        self._dense = {
            name: DenseIndex(folder / VECTORS, record)
            for name, record in self.manifest.collections.items()
            if record.chunks
        }

    @property
    def collections(self) -> list[str]:
        """Names of the collections."""
        return sorted(self.manifest.collections)

    def search(
        self, query: Query, collection: str, *, k: int, depth: int, dense_weight: float
    ) -> list[Hit]:
        """The `k` best chunks of a collection, by descending score.

        Raises:
            NotFound: there is no such collection.
        """
        self._check_collection(collection)
        dense = self._dense.get(collection)
        if dense is None:
            return []
        common = LexicalIndex(self._catalogue, collection).search(query.terms, depth)
        near: dict[int, float] = {}
        if query.vector is not None:
            near = dense.search(query.vector, depth)
            near |= dense.scores(query.vector, [i for i in common if i not in near])
        ranked = sorted(
            fuse(near, common, dense_weight).items(), key=lambda item: (-item[1], item[0])
        )
        chunks = catalogue.fetch_chunks(self._catalogue, [i for i, _ in ranked[:k]])
        return [Hit(chunks[i], score) for i, score in ranked[:k]]

    def rarity(self, terms: Sequence[str], collection: str) -> dict[str, float]:
        """Term -> idf."""
        return LexicalIndex(self._catalogue, collection).rarity(terms)

    def sentences(self, chunk: Chunk) -> tuple[Sentence, ...]:
        """The sentences of a chunk with their stored vectors, offsets in the document."""
        row = self._catalogue.execute(
            "SELECT embedding_key FROM chunk WHERE id = ?", (chunk.id,)
        ).fetchone()
        stored = self._embeddings.sentences(row[0]) if row else None
        if stored is None:
            return ()
        spans, vectors = stored
        return tuple(
            Sentence(chunk.text[a:b], chunk.start + a, chunk.start + b, vectors[i])
            for i, (a, b) in enumerate(spans)
        )

    def document(self, document_id: str) -> list[Chunk]:
        """All chunks of a document.

        Raises:
            NotFound: there is no such document.
        """
        chunks = catalogue.fetch_document_chunks(self._catalogue, document_id)
        if not chunks:
            raise NotFound(f"There is no document {document_id!r} in the index.", param="id")
        return chunks

    def problems(self) -> list[str]:
        """What is damaged, as sentences. Checksums were compared when the index was opened."""
        found: list[str] = []
        for name, dense in self._dense.items():
            keys = dict(catalogue.fetch_embedding_keys(self._catalogue, name))
            lost = self._embeddings.missing(keys.values())
            if lost:
                found.append(f"Collection {name}: {len(lost)} chunks have no stored vector.")
            if dense.size != len(keys):
                found.append(f"Collection {name}: {len(keys)} chunks, but {dense.size} vectors.")
        (state,) = self._catalogue.execute("PRAGMA quick_check").fetchone()
        return found if state == "ok" else [*found, f"The catalogue is damaged: {state}."]

    def close(self) -> None:
        """Let go of the version."""
        self._catalogue.close()
        self._embeddings.close()

    def _check_collection(self, name: str) -> None:
        if name not in self.manifest.collections:
            known = ", ".join(self.collections) or "none"
            raise NotFound(
                f"There is no collection {name!r}. Known: {known}.",
                code="collection_not_found",
                param="plumbline.collection",
            )


def _manifest_of(connection: sqlite3.Connection, folder: Path) -> Manifest:
    content = catalogue.read_manifest(connection)
    if content is None:
        connection.close()
        raise ConfigurationError(
            f"The index at {folder} is not finished yet. Run `plumbline ingest`."
        )
    return Manifest.model_validate_json(content)
