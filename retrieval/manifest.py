"""The manifest of an index: what it is, and which files belong to it.

Its truth is a row of the catalogue, committed with the chunks it describes; `manifest.json` is the
copy for people and for change detection, and is written last. A crash between the two leaves a
whole index and an older copy, which the next reader or ingest notices.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from contract.errors import IndexMismatch
from text.encoder import Encoder

CATALOGUE = "catalogue.sqlite"
EMBEDDINGS = "embeddings.sqlite"
MANIFEST = "manifest.json"
VECTORS = "vectors"


class EncoderRecord(BaseModel):
    """Which encoder made the vectors."""

    model_config = ConfigDict(frozen=True)

    name: str
    fingerprint: str
    dimensions: int


class VectorFile(BaseModel):
    """A FAISS file below `vectors/`, with its checksum: FAISS itself loads a flipped bit."""

    model_config = ConfigDict(frozen=True)

    name: str
    sha256: str
    chunks: int


class Manifest(BaseModel):
    """One version of an index. `collections` maps each name to its vectors."""

    model_config = ConfigDict(frozen=True)

    schema_version: int
    generation: int
    encoder: EncoderRecord
    splitter: dict[str, int]
    documents: int
    chunks: int
    collections: dict[str, VectorFile]

    @property
    def version(self) -> str:
        """Generation and content in a few characters, for the log."""
        names = "".join(file.sha256 for file in self.collections.values())
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
    """SHA-256 of a file, as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
