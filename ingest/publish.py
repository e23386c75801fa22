"""The end of a run: files of the new version, commit, manifest last."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path

from contract.files import write_atomically
from contract.settings import RetrievalSettings
from retrieval import catalogue
from retrieval.embeddings import Embeddings
from retrieval.generation import Writer, commit, sweep
from retrieval.manifest import MANIFEST, EncoderRecord, Manifest
from text.encoder import Encoder


def publish(
    folder: Path,
    connection: sqlite3.Connection,
    store: Embeddings,
    encoder: Encoder,
    settings: RetrievalSettings,
    previous: Manifest | None,
) -> Manifest:
    """Commit the open transaction as the next version of the index.

    The files of the new version are on disk before the commit that names them. The ones of the
    version before it stay, for a reader that is just opening it; older ones go.
    """
    generation = (previous.generation if previous else 0) + 1
    names = [
        n for (n,) in connection.execute("SELECT DISTINCT collection FROM document ORDER BY 1")
    ]
    writer = Writer(folder, connection, store, settings.flat_limit)
    same_encoder = previous and previous.encoder.fingerprint == encoder.fingerprint
    before = previous.collections if previous and same_encoder else {}
    files = {
        name: writer.write(name, generation, before.get(name))
        for name in names or [settings.collection]
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
    commit(folder, connection, manifest)
    _clean(folder, connection, store, [manifest, *([previous] if previous else [])])
    return manifest


def restore_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the copy again where a crash after the last commit left an older one, or none."""
    content = manifest.model_dump_json(indent=2).encode()
    path = folder / MANIFEST
    if not path.is_file() or path.read_bytes() != content:
        write_atomically(path, content)


def _clean(
    folder: Path, connection: sqlite3.Connection, store: Embeddings, current: Iterable[Manifest]
) -> None:
    """Remove what the index no longer needs, under the writer's lock: another ingest may have begun
    since the commit, and what it is making belongs to no version yet. Then it cleans up later."""
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return
    sweep(folder, list(current))
    store.keep_only({key for (key,) in connection.execute("SELECT embedding_key FROM chunk")})
    connection.execute("ROLLBACK")


def _count(connection: sqlite3.Connection, what: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {what}").fetchone()[0])
