"""What an ingest was asked to do, and what became of it; each job is a file on disk."""

from __future__ import annotations

import time
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from contract.access import Access
from contract.filters import Attribute
from contract.ids import uuid7
from server.callers import Caller


class JobFile(BaseModel):
    """One file of a job. `result` is the file's line in the report of `plumbline ingest --json`."""

    model_config = ConfigDict(frozen=True)

    filename: str
    path: str
    incoming: str | None = None
    bytes: int | None = None
    sha256: str | None = None
    labels: tuple[str, ...] = ()
    attributes: dict[str, Attribute] = {}
    document_id: str | None = None
    result: dict[str, Any] = {}


class Job(BaseModel):
    """Files to be taken in or out of one collection."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(default_factory=lambda: f"ingest-{uuid7()}")
    kind: Literal["add", "remove"]
    collection: str
    owner: str
    created: float = Field(default_factory=time.time)
    status: Literal["queued", "running", "done", "failed"] = "queued"
    attempts: int = 0
    error: str | None = None
    stage: str | None = None
    done: int = 0
    total: int = 0
    files: tuple[JobFile, ...]

    @property
    def finished(self) -> bool:
        """Is there nothing more to wait for?"""
        return self.status in ("done", "failed")

    def visible_to(self, caller: Caller) -> bool:
        """May this caller look at the job? It made it, or may see every file of it."""
        access: Access = caller.access
        return self.owner == caller.name or all(access.admits(f.labels) for f in self.files)

    def to_wire(self) -> dict[str, Any]:
        """The job as `/v1/ingests/{id}` shows it."""
        return {
            "id": self.id,
            "object": "plumbline.ingest",
            "created_at": int(self.created),
            "kind": self.kind,
            "collection": self.collection,
            "status": self.status,
            "error": self.error,
            "progress": {"stage": self.stage, "done": self.done, "total": self.total},
            "files": [
                {
                    "filename": file.filename,
                    "document_id": file.document_id,
                    "bytes": file.bytes,
                    "sha256": file.sha256,
                    "status": None,
                }
                | {name: value for name, value in file.result.items() if name != "path"}
                for file in self.files
            ],
        }
