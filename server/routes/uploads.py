"""Documents come in and leave over HTTP; an ingest does the work, and says how far it is."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse

from contract.errors import Conflict, NotFound, RequestRejected
from contract.ids import uuid7
from server.callers import Caller
from server.ingest_job import Job, JobFile
from server.parts import Parts
from server.routes.dependencies import AdminDep, PartsDep
from server.upload_form import UploadForm, read_form

router = APIRouter(tags=["documents"])

# So long a removal may take before the answer is that it goes on.
_PATIENCE_SECONDS = 30.0

_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "array",
                            "items": {"type": "string", "format": "binary"},
                        },
                        "collection": {"type": "string"},
                        "labels": {"type": "string", "description": "Commas between them."},
                        "attributes": {"type": "string", "description": "A JSON object."},
                    },
                }
            }
        },
    }
}


@router.post("/v1/documents", status_code=202, openapi_extra=_FORM)
async def upload(http: Request, parts: PartsDep, caller: AdminDep) -> dict[str, Any]:
    """Take documents in. They are on disk when this answers, and found when their ingest is done."""
    try:
        async with http.form(max_files=100, max_fields=100) as form:
            asked = read_form(form, parts.settings.retrieval.collection)
            for name, _ in asked.files:
                parts.uploads.check_replaceable(
                    parts.uploads.path(asked.collection, name), caller.access
                )
            files = await _receive(asked, parts)
    except ClientDisconnect as error:
        raise RequestRejected("The upload broke off; nothing of it is kept.") from error
    job = Job(kind="add", collection=asked.collection, owner=caller.name, files=tuple(files))
    return (await asyncio.to_thread(parts.ingests.submit, job)).to_wire()


@router.get("/v1/ingests/{ingest_id}")
def get_ingest(ingest_id: str, parts: PartsDep, caller: AdminDep) -> dict[str, Any]:
    """How far an ingest is, and what became of each file."""
    return parts.ingests.job(ingest_id, caller).to_wire()


@router.delete("/v1/documents/{document_id}")
async def delete_document(document_id: str, parts: PartsDep, caller: AdminDep) -> JSONResponse:
    """Remove an uploaded document: 200 when it is gone, 202 with the ingest while that goes on."""
    path = await asyncio.to_thread(_path_of, document_id, parts, caller)
    if not parts.uploads.holds(path):
        raise Conflict(
            f"{path} was not uploaded but ingested from a folder. Remove the file there and run "
            "`plumbline ingest` on the folder, or run `plumbline ingest --remove` on the file.",
            param="id",
        )
    stored = Path(path)
    collection = parts.uploads.collection_of(stored)
    file = parts.ingests.described(stored)
    job = Job(kind="remove", collection=collection, owner=caller.name, files=(file,))
    await asyncio.to_thread(parts.ingests.submit, job)
    job = await _settled(job.id, parts, caller)
    if job.status == "done":
        return JSONResponse(
            {"id": document_id, "object": "plumbline.document.deleted", "deleted": True}
        )
    return JSONResponse(job.to_wire(), status_code=202 if not job.finished else 503)


async def _receive(asked: UploadForm, parts: Parts) -> list[JobFile]:
    """Bring every file to disk; where one can't be, none stays."""
    files: list[JobFile] = []
    try:
        for name, file in asked.files:
            received = await asyncio.to_thread(parts.uploads.receive, file.file, uuid7())
            files.append(
                JobFile(
                    filename=name,
                    path=str(parts.uploads.path(asked.collection, name)),
                    incoming=received.incoming,
                    bytes=received.bytes,
                    sha256=received.sha256,
                    labels=asked.labels,
                    attributes=asked.attributes,
                )
            )
    except BaseException:
        for received_file in files:
            parts.uploads.discard(received_file.incoming or "")
        raise
    return files


async def _settled(job_id: str, parts: Parts, caller: Caller) -> Job:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        job = parts.ingests.job(job_id, caller)
        if job.finished or time.monotonic() > deadline:
            return job
        await asyncio.sleep(0.1)


def _path_of(document_id: str, parts: Parts, caller: Caller) -> str:
    """The path of a document, also of one that could not be read and has no chunks."""
    try:
        return parts.retriever.document(document_id, access=caller.access)[0].document
    except NotFound:
        for record in parts.all_documents(None, caller.access):
            if record.id == document_id:
                return record.path
        raise
