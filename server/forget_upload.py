"""What is forgotten leaves the uploads: files their folder, names the records of what was asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterator
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


def forget_owner(uploads: Uploads, person: str) -> None:
    """Take a person's name off the ingests that they asked for and that are done."""
    for path, job in _finished(uploads):
        if job.owner == person:
            _write(path, job.model_copy(update={"owner": _NAMELESS}))


def _unname(uploads: Uploads, paths: Collection[str]) -> None:
    for path, job in _finished(uploads):
        if any(file.path in paths for file in job.files):
            files = tuple(_bare(file) if file.path in paths else file for file in job.files)
            error = job.error and _NAMELESS
            _write(path, job.model_copy(update={"files": files, "error": error}))


def _finished(uploads: Uploads) -> Iterator[tuple[Path, Job]]:
    """Jobs that are not finished keep what they say until they are: they still have to be done."""
    for path in sorted(uploads.jobs.glob("ingest-*.json")):
        try:
            job = Job.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            continue
        if job.finished:
            yield path, job


def _write(path: Path, job: Job) -> None:
    write_atomically(path, job.model_dump_json().encode())


def _bare(file: JobFile) -> JobFile:
    kept = {
        name: file.result[name] for name in ("status", "chars", "chunks") if name in file.result
    }
    return JobFile(filename=_NAMELESS, path=_NAMELESS, labels=file.labels, result=kept)
