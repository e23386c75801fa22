"""An index folder, opened at one version for reading."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from contract.access import PUBLIC, Access
from contract.errors import ConfigurationError, NotFound
from contract.filters import Filter
from contract.passage import Chunk, DocumentRecord, Hit, Sentence, Source, Vector
from retrieval import catalogue
from retrieval.dense import DenseIndex
from retrieval.embeddings import Embeddings
from retrieval.fuse import fuse
from retrieval.lexical import LexicalIndex
from retrieval.manifest import (
    CATALOGUE,
    LEXICAL,
    VECTORS,
    CollectionRecord,
    FileRecord,
    Manifest,
    checksum,
)
from retrieval.places import read_places
from retrieval.visible import Visibility
from text.encoder import Encoder


@dataclass(frozen=True, slots=True)
class Query:
    """A question as both sides see it: terms with their weights, and a vector, or None where the
    encoder can't read it."""

    terms: Mapping[str, float]
    vector: Vector | None


@dataclass(frozen=True, slots=True)
class _Collection:
    """The open files of one collection."""

    dense: DenseIndex
    lexical: LexicalIndex
    visibility: Visibility


class Index:
    """One version of an index. Not to be used by two threads at once."""

    def __init__(self, folder: Path, encoder: Encoder) -> None:
        self.folder = folder
        self._catalogue = catalogue.open_snapshot(folder / CATALOGUE)
        self.manifest = _manifest_of(self._catalogue, folder)
        self.manifest.check_encoder(encoder)
        made_by = self.manifest.encoder
        self._embeddings = Embeddings(
            folder, made_by.fingerprint, made_by.dimensions, read_only=True
        )
        self._collections = {
            name: self._open(name, record)
            for name, record in self.manifest.collections.items()
            if record.chunks
        }

    @property
    def collections(self) -> list[str]:
        """Names of the collections."""
        return sorted(self.manifest.collections)

    def search(
        self,
        query: Query,
        collection: str,
        *,
        k: int,
        depth: int,
        dense_weight: float,
        access: Access = PUBLIC,
        where: Filter | None = None,
    ) -> list[Hit]:
        """The `k` best chunks of a collection that the caller may see, by descending score.

        Raises:
            NotFound: there is no such collection.
        """
        opened = self._collection(collection)
        if opened is None:
            return []
        visible = opened.visibility.of(access, where)
        if visible is not None and not len(visible.positions):
            return []
        common = opened.lexical.search(query.terms, depth, visible)
        near: dict[int, float] = {}
        if query.vector is not None:
            near = opened.dense.search(query.vector, depth, visible)
            near |= opened.dense.scores(query.vector, [i for i in common if i not in near])
        ranked = sorted(
            fuse(near, common, dense_weight).items(), key=lambda item: (-item[1], item[0])
        )
        chunks = catalogue.fetch_chunks(self._catalogue, [i for i, _ in ranked[:k]])
        return [Hit(chunks[i], score) for i, score in ranked[:k]]

    def rarity(self, terms: Iterable[str], collection: str) -> dict[str, float]:
        """Term -> idf."""
        opened = self._collection(collection)
        return opened.lexical.rarity(terms) if opened else dict.fromkeys(terms, 1.0)

    def sentences(self, chunks: Sequence[Chunk]) -> dict[int, tuple[Sentence, ...]]:
        """The sentences of chunks, by chunk id, with their stored vectors and offsets in the document."""
        keys = catalogue.fetch_embedding_keys(self._catalogue, [chunk.id for chunk in chunks])
        stored = self._embeddings.sentences(list(keys.values()))
        return {
            chunk.id: tuple(
                Sentence(chunk.text[a:b], chunk.start + a, chunk.start + b, vector)
                for (a, b), vector in stored.get(keys.get(chunk.id, b""), ())
            )
            for chunk in chunks
        }

    def document(self, document_id: str, access: Access) -> list[Chunk]:
        """All chunks of a document.

        Raises:
            NotFound: there is no such document, or the caller may not see it.
        """
        chunks = catalogue.fetch_document_chunks(self._catalogue, document_id)
        if not chunks or not access.admits(chunks[0].labels):
            raise NotFound(f"There is no document {document_id!r} in the index.", param="id")
        return chunks

    def source(self, document_id: str) -> Source | None:
        """A document with what it was made from, whoever may see it."""
        return catalogue.fetch_source(self._catalogue, document_id)

    def documents(
        self, collection: str | None, access: Access, after: str
    ) -> Iterator[DocumentRecord]:
        """The documents that the caller may see, in the order of their ids, from behind `after`."""
        if collection is not None:
            self._collection(collection)
        found = catalogue.fetch_documents(self._catalogue, collection, after)
        return (document for document in found if access.admits(document.labels))

    def problems(self) -> list[str]:
        """What is damaged, as sentences. Checksums were compared when the index was opened."""
        found: list[str] = []
        for name, opened in self._collections.items():
            chunks = catalogue.fetch_places(self._catalogue, name)
            lost = self._embeddings.missing(key for _, _, key in chunks)
            if lost:
                found.append(f"Collection {name}: {len(lost)} chunks have no stored vector.")
            for side, size in (("vectors", opened.dense.size), ("texts", opened.lexical.size)):
                if size != len(chunks):
                    found.append(f"Collection {name}: {len(chunks)} chunks, but {size} {side}.")
        (state,) = self._catalogue.execute("PRAGMA quick_check").fetchone()
        return found if state == "ok" else [*found, f"The catalogue is damaged: {state}."]

    def close(self) -> None:
        """Let go of the version."""
        self._catalogue.close()
        self._embeddings.close()

    def _open(self, name: str, record: CollectionRecord) -> _Collection:
        vectors = self.folder / VECTORS
        for folder, file in (
            (vectors, record.places),
            (vectors, record.dense),
            (self.folder / LEXICAL, record.lexical),
        ):
            _check(folder / file.name, file)
        places = read_places(vectors / record.places.name)
        matrix = self._embeddings.matrix()
        return _Collection(
            DenseIndex(vectors / record.dense.name, record.dense, places, matrix),
            LexicalIndex(self.folder / LEXICAL / record.lexical.name),
            Visibility(self._catalogue, name, places),
        )

    def _collection(self, name: str) -> _Collection | None:
        if name not in self.manifest.collections:
            known = ", ".join(self.collections) or "none"
            raise NotFound(
                f"There is no collection {name!r}. Known: {known}.",
                code="collection_not_found",
                param="plumbline.collection",
            )
        return self._collections.get(name)


def _check(path: Path, record: FileRecord) -> None:
    if not path.exists() or checksum(path) != record.sha256:
        raise ConfigurationError(
            f"{path} is missing or damaged. Run `plumbline index rebuild`; nothing has to be "
            "encoded again."
        )


def _manifest_of(connection: sqlite3.Connection, folder: Path) -> Manifest:
    content = catalogue.read_manifest(connection)
    if content is None:
        connection.close()
        raise ConfigurationError(
            f"The index at {folder} is not finished yet. Run `plumbline ingest`."
        )
    return Manifest.model_validate_json(content)
