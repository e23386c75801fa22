"""Uploaded files that are forgotten leave the folder, and their names the records of their jobs."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from pydantic import ValidationError

from contract.files import write_atomically
from server.ingest_job import Job, JobFile
from server.uploads import Uploads

_NAMELESS = "(forgotten)"


def forget_uploads(uploads: Uploads, places: Collection[Path]) -> int:
    """Remove the files at these places that were uploaded; a file of anybody's own folder stays. Returns
    how many there were."""
    stored = [place for place in places if uploads.holds(str(place))]
    present = [place for place in stored if place.exists()]
    for place in stored:
        uploads.remove(place)
    _unname(uploads, {str(place) for place in stored})
    return len(present)


def _unname(uploads: Uploads, paths: Collection[str]) -> None:
    """A job that is not finished keeps its name until it is: it still has to be done."""
    for path in sorted(uploads.jobs.glob("ingest-*.json")) if paths else ():
        try:
            job = Job.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            continue
        if job.finished and any(file.path in paths for file in job.files):
            files = tuple(_bare(file) if file.path in paths else file for file in job.files)
            bare = job.model_copy(update={"files": files, "error": job.error and _NAMELESS})
            write_atomically(path, bare.model_dump_json().encode())


def _bare(file: JobFile) -> JobFile:
    kept = {
        name: file.result[name] for name in ("status", "chars", "chunks") if name in file.result
    }
    return JobFile(filename=_NAMELESS, path=file.path, labels=file.labels, result=kept)
