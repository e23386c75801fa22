"""Uploaded files on disk: received aside, then put in place with a sidecar beside them.

    DATA_DIR/documents/incoming/…                       being received, or waiting for their ingest
    DATA_DIR/documents/<hash of the collection>/…       what `plumbline ingest` reads
    DATA_DIR/documents/jobs/…                           what was asked for (`server/ingests.py`)
    DATA_DIR/documents.lock                             held by the process that does it (`server/lead.py`)

A file's name on disk is made from a hash. The name that its owner gave it is a text in the sidecar,
beside its labels and attributes, and never a path.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import IO, Any

import yaml

from contract.access import Access, check_labels
from contract.errors import ConfigurationError, Conflict, StorageFailed
from contract.files import write_atomically
from contract.filters import Attribute

SIDECAR = ".plumbline.yaml"

_NAME_OF_COLLECTION = ".collection"
_BLOCK = 1 << 20
_SUFFIX = re.compile(r"\.[a-z0-9]{1,8}")


@dataclass(frozen=True, slots=True)
class Received:
    """A file that arrived whole: its name below `incoming`, its size and the hash of its content."""

    incoming: str
    bytes: int
    sha256: str


class Uploads:
    """The folder of uploaded documents. It appears with the first upload."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self.jobs = self._folder / "jobs"
        self.lock = self._folder.with_suffix(".lock")
        self._incoming = self._folder / "incoming"

    def receive(self, source: IO[bytes], name: str) -> Received:
        """Copy a file to disk under a name of ours; it is durable when this returns.

        Raises:
            StorageFailed: the disk is full or can't be written.
        """
        digest, size = hashlib.sha256(), 0
        path = self._incoming / name
        try:
            self._make(self._incoming)
            with path.open("wb") as file:
                while block := source.read(_BLOCK):
                    digest.update(block)
                    size += len(block)
                    file.write(block)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            path.unlink(missing_ok=True)
            raise StorageFailed(f"The upload can't be stored: {error.strerror}.") from error
        return Received(name, size, digest.hexdigest())

    def discard(self, incoming: str) -> None:
        """Forget a file that was received."""
        (self._incoming / incoming).unlink(missing_ok=True)

    def folder(self, collection: str) -> Path:
        """Where the files of a collection stand."""
        return self._folder / f"c-{hashlib.sha256(collection.encode()).hexdigest()[:32]}"

    def path(self, collection: str, filename: str) -> Path:
        """Where a file stands; the same name in the same collection is the same file."""
        suffix = _SUFFIX.fullmatch(Path(filename.lower()).suffix)
        name = hashlib.sha256(filename.encode()).hexdigest()[:32]
        return self.folder(collection) / f"{name}{suffix[0] if suffix else ''}"

    def check_replaceable(self, path: Path, access: Access) -> None:
        """Raise Conflict where another file has this place and the caller may not see it."""
        if path.exists() and not access.admits(self.labels(path)):
            raise Conflict(
                "A document with this name is there already, and you may not replace it. Choose "
                "another name.",
                param="file",
            )

    def place(self, incoming: str, path: Path, collection: str, beside: dict[str, Any]) -> None:
        """Put a received file in place; after a crash this can be done again.

        The old file leaves before the new labels come, so neither is ever read with the other's.
        """
        source = self._incoming / incoming
        if not source.exists():
            return
        self._make(path.parent)
        write_atomically(path.parent / _NAME_OF_COLLECTION, collection.encode())
        path.unlink(missing_ok=True)
        content = yaml.safe_dump(beside, allow_unicode=True, sort_keys=False)
        write_atomically(_sidecar(path), content.encode())
        source.replace(path)

    def remove(self, path: Path) -> None:
        """Remove a file and its sidecar."""
        path.unlink(missing_ok=True)
        _sidecar(path).unlink(missing_ok=True)

    def holds(self, path: str) -> bool:
        """Is this the path of an uploaded file?"""
        return self._holds(path)

    @cached_property
    def _holds(self) -> Callable[[str], bool]:
        """Asked for every passage of every answer, and dear: the file system is looked at."""
        return lru_cache(maxsize=4096)(lambda path: self._folder in Path(path).resolve().parents)

    def collection_of(self, path: Path) -> str:
        """The collection that an uploaded file belongs to."""
        return (path.parent / _NAME_OF_COLLECTION).read_text(encoding="utf-8")

    def files(self) -> Iterator[tuple[str, Path]]:
        """Every uploaded file in place, with its collection."""
        for folder in sorted(self._folder.glob("c-*")):
            for path in sorted(folder.iterdir()):
                if not path.name.startswith(".") and not path.name.endswith(SIDECAR):
                    yield self.collection_of(path), path

    def title(self, path: Path) -> str:
        """The name that its owner gave a file."""
        return str(_beside(path).get("title") or path.name)

    def labels(self, path: Path) -> tuple[str, ...]:
        """The labels of a file."""
        try:
            return check_labels(_beside(path)["labels"])
        except (ConfigurationError, KeyError, TypeError):
            return ("",)  # a label that nobody carries: what can't be read is not admitted

    def sweep(self, wanted: set[str]) -> None:
        """Remove what was received for nothing: uploads that broke off."""
        if self._incoming.is_dir():
            for path in self._incoming.iterdir():
                if path.name not in wanted:
                    path.unlink(missing_ok=True)

    def _make(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder.chmod(0o700)


def sidecar_of(
    filename: str, labels: tuple[str, ...], attributes: dict[str, Attribute]
) -> dict[str, Any]:
    """The content of a sidecar."""
    return {
        "title": filename,
        "labels": list(labels),
        "attributes": {**attributes, "path": filename},
    }


def _sidecar(path: Path) -> Path:
    return path.with_name(path.name + SIDECAR)


def _beside(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(_sidecar(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        content = None
    return content if isinstance(content, dict) else {}
