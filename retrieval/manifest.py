"""The manifest of an index: what it is, and which files belong to it.

Its truth is a row of the catalogue, committed with the chunks it describes; `manifest.json` is the
copy for people and for change detection, and is written last. A crash between the two leaves a
whole index and an older copy, which the next reader or ingest notices.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from contract.errors import IndexMismatch
from text.encoder import Encoder

CATALOGUE = "catalogue.sqlite"
MANIFEST = "manifest.json"
VECTORS = "vectors"
LEXICAL = "lexical"


class EncoderRecord(BaseModel):
    """Which encoder made the vectors."""

    model_config = ConfigDict(frozen=True)

    name: str
    fingerprint: str
    dimensions: int


class FileRecord(BaseModel):
    """A file or folder of the index, with its checksum: a flipped bit loads without a complaint."""

    model_config = ConfigDict(frozen=True)

    name: str
    sha256: str


class DenseRecord(FileRecord):
    """The FAISS file of a collection.

    `recall` is that of the ten nearest chunks against a search of all vectors, measured when the
    lists were trained; `trained` is the number of chunks then.
    """

    kind: Literal["flat", "ivf"]
    lists: int = 0
    probes: int = 0
    trained: int = 0
    recall: float = 1.0


class CollectionRecord(BaseModel):
    """The files of one collection; each is named for the generation that wrote it."""

    model_config = ConfigDict(frozen=True)

    chunks: int
    places: FileRecord
    dense: DenseRecord
    lexical: FileRecord


class Manifest(BaseModel):
    """One version of an index."""

    model_config = ConfigDict(frozen=True)

    schema_version: int
    generation: int
    encoder: EncoderRecord
    splitter: dict[str, int]
    documents: int
    chunks: int
    collections: dict[str, CollectionRecord]

    @cached_property
    def version(self) -> str:
        """Generation and content in a few characters, for the log."""
        names = "".join(
            record.places.sha256 + record.dense.sha256 for record in self.collections.values()
        )
        return f"{self.generation}-{hashlib.sha256(names.encode()).hexdigest()[:8]}"

    def check_encoder(self, encoder: Encoder) -> None:
        """Raise IndexMismatch where another encoder made this index."""
        if self.encoder.fingerprint != encoder.fingerprint:
            raise IndexMismatch(
                f"The index was made by the encoder {self.encoder.name!r} "
                f"({self.encoder.fingerprint}), but the encoder in use is {encoder.name!r} "
                f"({encoder.fingerprint}). Use the first one (retrieval.encoder), or make the "
                "index anew: `plumbline ingest --rebuild PATH…`."
            )


def checksum(path: Path) -> str:
    """SHA-256 of a file, or of the names and contents of a folder's files but locks, as hex."""
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix != ".lock")
        parts = (f"{file.name}\0{checksum(file)}\n" for file in files)
        return hashlib.sha256("".join(parts).encode()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
