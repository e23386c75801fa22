"""The vectors, by content: what was encoded once is never encoded again.

They stand in a file of their own and are committed in small batches, so that an ingest that is
killed keeps what it has encoded. The FAISS files are caches made from here.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from contract.passage import Vector
from text.encoder import Encoding
from text.sentences import Span

_TABLES = """
CREATE TABLE IF NOT EXISTS embedding (
    key BLOB PRIMARY KEY,
    vector BLOB NOT NULL,      -- float32
    spans BLOB NOT NULL,       -- int32 pairs, relative to the chunk's text
    sentences BLOB NOT NULL    -- float16, one row for each span
) WITHOUT ROWID
"""
_BATCH = 500


def embedding_key(fingerprint: str, heading: str, text: str) -> bytes:
    """The key of one encoded text: equal inputs to equal weights have equal keys."""
    return hashlib.sha256("\0".join((fingerprint, heading, text)).encode()).digest()[:20]


class Embeddings:
    """The store of vectors in the index folder."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        if read_only:
            uri = f"{path.resolve().as_uri()}?mode=ro"
            self._connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
        else:
            self._connection = sqlite3.connect(path)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute(_TABLES)

    def missing(self, keys: Iterable[bytes]) -> set[bytes]:
        """Those keys that have no vector yet."""
        wanted = list(dict.fromkeys(keys))
        found: set[bytes] = set()
        for part in _parts(wanted):
            marks = ",".join("?" * len(part))
            rows = self._connection.execute(
                f"SELECT key FROM embedding WHERE key IN ({marks})", part
            )
            found.update(key for (key,) in rows)
        return set(wanted) - found

    def add(self, rows: Iterable[tuple[bytes, Sequence[Span], Encoding]]) -> None:
        """Store encodings and make them durable."""
        with self._connection:
            self._connection.executemany(
                "INSERT OR REPLACE INTO embedding VALUES (?, ?, ?, ?)",
                (
                    (
                        key,
                        encoding.vector.astype(np.float32).tobytes(),
                        np.asarray(spans, dtype=np.int32).tobytes(),
                        encoding.sentences.astype(np.float16).tobytes(),
                    )
                    for key, spans, encoding in rows
                ),
            )

    def vectors(self, keys: Sequence[bytes], dimensions: int) -> Vector:
        """The vectors of `keys` as rows (n, d), in that order.

        Raises:
            KeyError: a key has no vector.
        """
        rows = np.empty((len(keys), dimensions), dtype=np.float32)
        for number, key in enumerate(keys):
            found = self._connection.execute(
                "SELECT vector FROM embedding WHERE key = ?", (key,)
            ).fetchone()
            if found is None:
                raise KeyError(key.hex())
            rows[number] = np.frombuffer(found[0], dtype=np.float32)
        return rows

    def sentences(self, key: bytes) -> tuple[list[Span], Vector] | None:
        """Sentence spans and their vectors (s, d) of one chunk; None where nothing is stored."""
        row = self._connection.execute(
            "SELECT spans, sentences FROM embedding WHERE key = ?", (key,)
        ).fetchone()
        if row is None:
            return None
        spans = [(int(a), int(b)) for a, b in np.frombuffer(row[0], dtype=np.int32).reshape(-1, 2)]
        vectors = np.frombuffer(row[1], dtype=np.float16).astype(np.float32)
        return spans, vectors.reshape(len(spans), -1) if spans else np.zeros((0, 1), np.float32)

    def keep_only(self, keys: set[bytes]) -> int:
        """Drop every vector whose key is not among `keys`; returns how many went."""
        stale = [
            k for (k,) in self._connection.execute("SELECT key FROM embedding") if k not in keys
        ]
        with self._connection:
            self._connection.executemany(
                "DELETE FROM embedding WHERE key = ?", ((key,) for key in stale)
            )
        return len(stale)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _parts(keys: list[bytes]) -> Iterator[list[bytes]]:
    for start in range(0, len(keys), _BATCH):
        yield keys[start : start + _BATCH]
