"""The vectors, by content: what was encoded once is never encoded again, and equal chunks share one.

Two files for each encoder: `….f32` holds the vectors of the chunks, one row each, and is mapped
into memory, not read; `….sqlite` maps the key of a text to its row and holds the vectors of its
sentences. Rows are appended and made durable before the key that names them is committed, so that
an ingest that is killed keeps what it has encoded. The FAISS files are caches made from here.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from contract.errors import ConfigurationError
from contract.passage import Vector
from contract.wal import cut_off
from text.encoder import Encoding
from text.sentences import Span

Ids = npt.NDArray[np.int64]

_TABLES = """
CREATE TABLE IF NOT EXISTS embedding (
    row INTEGER PRIMARY KEY,   -- the row of the vector
    key BLOB NOT NULL UNIQUE,
    spans BLOB NOT NULL,       -- int32 pairs, relative to the chunk's text
    sentences BLOB NOT NULL    -- float16, one row for each span
);
CREATE TABLE IF NOT EXISTS state (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    rows INTEGER NOT NULL      -- rows ever given: a row that was let go is not given again
);
INSERT OR IGNORE INTO state VALUES (1, 0);
"""
_BATCH = 500


def embedding_key(fingerprint: str, heading: str, text: str) -> bytes:
    """The key of one encoded text: equal inputs to equal weights have equal keys."""
    return hashlib.sha256("\0".join((fingerprint, heading, text)).encode()).digest()[:20]


class Embeddings:
    """The store of one encoder's vectors in the index folder."""

    def __init__(
        self, folder: Path, fingerprint: str, dimensions: int, *, read_only: bool = False
    ) -> None:
        stem = store_stem(fingerprint)
        self._dimensions = dimensions
        self._matrix_path = folder / f"{stem}.f32"
        self.path = path = folder / f"{stem}.sqlite"
        if read_only:
            if not path.is_file():
                raise ConfigurationError(
                    f"The vectors {path} are missing. Run `plumbline ingest --rebuild PATH…`."
                )
            uri = f"{path.resolve().as_uri()}?mode=ro"
            self._connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
        else:
            self._connection = sqlite3.connect(path, timeout=0)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.executescript(_TABLES)

    def missing(self, keys: Iterable[bytes]) -> set[bytes]:
        """Those keys that have no vector yet."""
        wanted = set(keys)
        return wanted - self._found(wanted).keys()

    def rows(self, keys: Sequence[bytes]) -> Ids:
        """The row of each key (n,).

        Raises:
            KeyError: a key has no vector.
        """
        found = self._found(keys)
        return np.asarray([found[key] for key in keys], dtype=np.int64)

    def add(self, encoded: Iterable[tuple[bytes, Sequence[Span], Encoding]]) -> None:
        """Store encodings and make them durable."""
        added = list(encoded)
        if not added:
            return
        vectors = np.stack([encoding.vector for _, _, encoding in added]).astype(np.float32)
        (first,) = self._connection.execute("SELECT rows FROM state").fetchone()
        self._append(first, vectors)
        with self._connection:
            self._connection.executemany(
                "INSERT INTO embedding VALUES (?, ?, ?, ?)",
                (
                    (
                        first + number,
                        key,
                        np.asarray(spans, dtype=np.int32).tobytes(),
                        encoding.sentences.astype(np.float16).tobytes(),
                    )
                    for number, (key, spans, encoding) in enumerate(added)
                ),
            )
            self._connection.execute("UPDATE state SET rows = ?", (first + len(added),))

    def matrix(self) -> Vector:
        """All vectors, mapped and not read: (rows, d)."""
        width = self._dimensions * 4
        rows = self._matrix_path.stat().st_size // width if self._matrix_path.is_file() else 0
        if not rows:
            return np.zeros((0, self._dimensions), dtype=np.float32)
        return np.memmap(self._matrix_path, np.float32, "r", shape=(rows, self._dimensions))

    def sentences(self, keys: Sequence[bytes]) -> dict[bytes, list[tuple[Span, Vector | None]]]:
        """Sentence spans with their vectors (d,) of chunks, by embedding key; what is not stored is left
        out. A vector is None where the encoder gives sentences none, which stands there as zeros."""
        marks = ",".join("?" * len(keys))
        rows = self._connection.execute(
            f"SELECT key, spans, sentences FROM embedding WHERE key IN ({marks})", keys
        )
        return {key: _sentences(spans, vectors) for key, spans, vectors in rows}

    def keep_only(self, keys: Collection[bytes]) -> int:
        """Drop every vector whose key is not among `keys`, and blank it; returns how many went."""
        stored = self._connection.execute("SELECT row, key FROM embedding").fetchall()
        stale = [row for row, key in stored if key not in keys]
        with self._connection:
            self._connection.executemany(
                "DELETE FROM embedding WHERE row = ?", ((row,) for row in stale)
            )
        self._blank(stale)
        return len(stale)

    def traces(self, keys: Sequence[bytes]) -> Iterator[bytes]:
        """The bytes that stand on disk for these keys: key, vector of the chunk, vectors of its sentences."""
        matrix = self.matrix()
        for part in _parts(list(dict.fromkeys(keys))):
            marks = ",".join("?" * len(part))
            for row, key, sentences in self._connection.execute(
                f"SELECT row, key, sentences FROM embedding WHERE key IN ({marks})", part
            ):
                yield from (key, matrix[row].tobytes(), sentences)

    def compact(self) -> None:
        """Write the database anew, without what was deleted from it.

        Raises:
            OperationalError: somebody else writes to it.
        """
        self._connection.execute("VACUUM")

    def cut_off(self) -> bool:
        """Empty the write-ahead log; False where somebody still reads from it."""
        return cut_off(self._connection)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _found(self, keys: Iterable[bytes]) -> dict[bytes, int]:
        found: dict[bytes, int] = {}
        for part in _parts(list(dict.fromkeys(keys))):
            marks = ",".join("?" * len(part))
            found.update(
                self._connection.execute(
                    f"SELECT key, row FROM embedding WHERE key IN ({marks})", part
                )
            )
        return found

    def _append(self, first: int, vectors: Vector) -> None:
        """Write rows from `first` on. What a killed run left behind there is overwritten."""
        mode = "r+b" if self._matrix_path.exists() else "w+b"
        with self._matrix_path.open(mode) as file:
            file.seek(first * self._dimensions * 4)
            file.write(np.ascontiguousarray(vectors).tobytes())
            file.flush()
            os.fsync(file.fileno())

    def _blank(self, rows: Sequence[int]) -> None:
        if not rows:
            return
        nothing = bytes(self._dimensions * 4)
        with self._matrix_path.open("r+b") as file:
            for row in rows:
                file.seek(row * len(nothing))
                file.write(nothing)
            file.flush()
            os.fsync(file.fileno())


def store_stem(fingerprint: str) -> str:
    """The file name, without suffix, of an encoder's store: its fingerprint never becomes a path."""
    return "embeddings-" + hashlib.sha256(fingerprint.encode()).hexdigest()[:12]


def _parts(keys: list[bytes]) -> Iterator[list[bytes]]:
    for start in range(0, len(keys), _BATCH):
        yield keys[start : start + _BATCH]


def _sentences(spans: bytes, vectors: bytes) -> list[tuple[Span, Vector | None]]:
    ends = np.frombuffer(spans, dtype=np.int32).reshape(-1, 2).tolist()
    if not ends:
        return []
    rows = np.frombuffer(vectors, dtype=np.float16).astype(np.float32).reshape(len(ends), -1)
    known: list[bool] = np.any(rows, axis=1).tolist()
    return [((a, b), rows[i] if known[i] else None) for i, (a, b) in enumerate(ends)]
