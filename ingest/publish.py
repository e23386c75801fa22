"""The end of a run: vectors to FAISS, commit, manifest last."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from contract.files import write_atomically
from contract.settings import RetrievalSettings
from retrieval import catalogue
from retrieval.dense import write_collection
from retrieval.embeddings import Embeddings
from retrieval.manifest import (
    EMBEDDINGS,
    MANIFEST,
    VECTORS,
    EncoderRecord,
    Manifest,
)
from text.encoder import Encoder


def publish(
    folder: Path,
    connection: sqlite3.Connection,
    encoder: Encoder,
    settings: RetrievalSettings,
    previous: Manifest | None,
) -> Manifest:
    """Commit the open transaction as the next version of the index.

    The vector files of the new version are on disk before the commit that names them. The ones of
    the version before it stay, for a reader that is just opening it; older ones go.
    """
    generation = (previous.generation if previous else 0) + 1
    names = [
        n for (n,) in connection.execute("SELECT DISTINCT collection FROM document ORDER BY 1")
    ]
    names = names or [settings.collection]
    files = {
        name: write_collection(
            folder, connection, name, _file_name(name, generation), encoder.dimensions
        )
        for name in names
    }
    manifest = Manifest(
        schema_version=catalogue.SCHEMA,
        generation=generation,
        encoder=EncoderRecord(
            name=encoder.name, fingerprint=encoder.fingerprint, dimensions=encoder.dimensions
        ),
        splitter={
            "chunk_tokens": settings.chunk_tokens,
            "overlap_tokens": settings.overlap_tokens,
        },
        documents=_count(connection, "document WHERE status = 'indexed'"),
        chunks=_count(connection, "chunk"),
        collections=files,
    )
    content = manifest.model_dump_json(indent=2)
    connection.execute("INSERT OR REPLACE INTO state VALUES (1, ?)", (content,))
    connection.execute("COMMIT")
    write_atomically(folder / MANIFEST, content.encode())
    _clean(folder, connection, [manifest, *([previous] if previous else [])])
    return manifest


def restore_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the copy again where a crash after the last commit left an older one, or none."""
    content = manifest.model_dump_json(indent=2).encode()
    path = folder / MANIFEST
    if not path.is_file() or path.read_bytes() != content:
        write_atomically(path, content)


def _clean(folder: Path, connection: sqlite3.Connection, current: Iterable[Manifest]) -> None:
    """Remove what the index no longer needs, under the writer's lock: another ingest may have begun
    since the commit, and what it is making belongs to no version yet. Then it cleans up later."""
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return
    keys = {key for (key,) in connection.execute("SELECT embedding_key FROM chunk")}
    _sweep(folder, {file.name for m in current for file in m.collections.values()})
    _forget_unused_vectors(folder, keys)
    connection.execute("ROLLBACK")


def _file_name(collection: str, generation: int) -> str:
    """A collection's name is the users' text and never becomes a path."""
    return f"{hashlib.sha256(collection.encode()).hexdigest()[:12]}-{generation}.faiss"


def _sweep(folder: Path, keep: set[str]) -> None:
    for path in (folder / VECTORS).glob("*.faiss"):
        if path.name not in keep:
            path.unlink()


def _forget_unused_vectors(folder: Path, keys: set[bytes]) -> None:
    """What left the index leaves the disk, too."""
    store = Embeddings(folder / EMBEDDINGS)
    try:
        store.keep_only(keys)
    finally:
        store.close()


def _count(connection: sqlite3.Connection, what: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {what}").fetchone()[0])
