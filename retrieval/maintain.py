"""Looking after an index folder: repair from the stored vectors, and reading back."""

from __future__ import annotations

from pathlib import Path

from contract.errors import ConfigurationError, NotFound
from contract.files import write_atomically
from contract.passage import Chunk
from retrieval import catalogue
from retrieval.dense import write_collection
from retrieval.manifest import CATALOGUE, MANIFEST, Manifest


def rebuild_vectors(folder: Path) -> int:
    """Write every FAISS file anew from the stored vectors; returns how many.

    Raises:
        ConfigurationError: there is no index, or it is unfinished.
    """
    catalogue.open_snapshot(folder / CATALOGUE).close()
    connection = catalogue.open_for_writing(folder / CATALOGUE)
    try:
        content = catalogue.read_manifest(connection)
        if content is None:
            raise ConfigurationError(
                f"The index at {folder} is unfinished. Run `plumbline ingest`."
            )
        manifest = Manifest.model_validate_json(content)
        files = {
            name: write_collection(
                folder, connection, name, record.name, manifest.encoder.dimensions
            )
            for name, record in manifest.collections.items()
        }
        content = manifest.model_copy(update={"collections": files}).model_dump_json(indent=2)
        connection.execute("INSERT OR REPLACE INTO state VALUES (1, ?)", (content,))
        connection.execute("COMMIT")
        write_atomically(folder / MANIFEST, content.encode())
        return len(files)
    finally:
        connection.close()


def document_text(folder: Path, path: str) -> list[Chunk]:
    """The chunks of the document with this path, as ingested or as it lies on disk.

    Raises:
        NotFound: no document of the index has this path.
    """
    connection = catalogue.open_snapshot(folder / CATALOGUE)
    try:
        row = connection.execute(
            "SELECT id FROM document WHERE path = ? OR location = ?",
            (path, str(Path(path).resolve())),
        ).fetchone()
        chunks = catalogue.fetch_document_chunks(connection, row[0]) if row else []
    finally:
        connection.close()
    if not chunks:
        raise NotFound(f"The index holds no text of {path}.")
    return chunks
