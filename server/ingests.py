"""The queue of ingests: each is a child process, one at a time, and the queue survives a restart.

What is asked for stands on disk before it is acknowledged. A job that the server did not finish is
done again at the next start; every step of it can be done twice.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from contract.errors import NotFound, NotReady, PlumblineError, StorageFailed
from contract.files import write_atomically
from server.callers import Caller
from server.ingest_job import Job, JobFile
from server.ingest_process import Ended, IngestProcess
from server.lead import Lead
from server.uploads import Uploads, sidecar_of

# Paths, in a collection -> the ids of the documents that they have become.
Lookup = Callable[[str, set[str]], dict[str, str]]

_KEPT = 1000
# How often the jobs of other server processes are looked for.
_LOOK_SECONDS = 1.0
_MOST_ATTEMPTS = 3
# With more files than this the child is given their folder; a command line has an end.
_MOST_PATHS = 50

_log = logging.getLogger(__name__)


class IngestQueue:
    """Jobs, done one after the other by one thread.

    Of several server processes one leads and does the jobs of all; should it end, another takes over.
    The others store what they are asked for, and read how far it is from disk.
    """

    def __init__(self, uploads: Uploads, process: IngestProcess, lookup: Lookup) -> None:
        self._uploads = uploads
        self._process = process
        self._lookup = lookup
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._lead = Lead(uploads.lock)
        self._thread = threading.Thread(target=self._work, name="ingests", daemon=True)

    def start(self) -> None:
        """Take up what an earlier run left, then wait for jobs."""
        if self._lead.take():
            self._recover()
        self._thread.start()

    def submit(self, job: Job) -> Job:
        """Queue a job; it is durable when this returns.

        Raises:
            StorageFailed: it could not be made durable; nothing of it is kept.
        """
        try:
            self._store(job)
        except OSError as error:
            for file in job.files:
                if file.incoming is not None:
                    self._uploads.discard(file.incoming)
            raise StorageFailed(f"The ingest can't be stored: {error.strerror}.") from error
        self._queue.put(job.id)
        return job

    def job(self, job_id: str, caller: Caller) -> Job:
        """A job as it stands.

        Raises:
            NotFound: there is none, or none that this caller may look at.
        """
        job = self._jobs.get(job_id) if self._lead.mine else None
        if job is not None and job.finished:
            job = None  # the file may say less by now: somebody forgot a document
        # Another process may have stored it a moment ago.
        job = job or self._stored(job_id)
        if job is None or not job.visible_to(caller):
            raise NotFound(f"There is no ingest {job_id!r}.", param="id")
        return job

    def described(self, path: Path) -> JobFile:
        """A file that stands in its place."""
        labels = self._uploads.labels(path)
        return JobFile(filename=self._uploads.title(path), path=str(path), labels=labels)

    def pending(self, collection: str | None = None) -> list[Job]:
        """Jobs that are not finished."""
        if not self._lead.mine:
            self._look_around()
        with self._lock:
            jobs = list(self._jobs.values())
        return [j for j in jobs if not j.finished and collection in (None, j.collection)]

    def close(self) -> None:
        """Stop; a job that is running is done again at the next start."""
        self._stopping.set()
        self._process.stop()
        self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout=30)
        self._lead.leave()

    def _work(self) -> None:
        while not self._lead.mine:
            if self._stopping.wait(_LOOK_SECONDS):
                return
            if self._lead.take():
                self._recover()
        self._take_up_strays()
        while not self._stopping.is_set():
            try:
                job_id = self._queue.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                self._look_around()
                continue
            if job_id is None:
                return
            job = self._jobs[job_id]
            if job.finished:
                continue
            try:
                self._run(job)
            except Exception as error:  # a full disk, say: the next job may still be done
                _log.exception("the ingest %s failed", job_id)
                self._give_up(job_id, f"{type(error).__name__}: {error}")

    def _run(self, job: Job) -> None:
        if job.attempts >= _MOST_ATTEMPTS:
            self._finish(job.id, "failed", "The server ended three times while this was running.")
            return
        job = self._change(job.id, status="running", attempts=job.attempts + 1)
        for file in job.files:
            path = Path(file.path)
            if job.kind == "remove":
                self._uploads.remove(path)
            elif file.incoming is not None:
                beside = sidecar_of(file.filename, file.labels, file.attributes)
                self._uploads.place(file.incoming, path, job.collection, beside)
        ended = self._process.run(
            job.kind, self._paths(job), job.collection, lambda *now: self._progress(job.id, *now)
        )
        if self._stopping.is_set():
            self._change(job.id, status="queued", attempts=job.attempts - 1)
        else:
            self._conclude(job, ended)

    def _paths(self, job: Job) -> list[Path]:
        if job.kind == "add" and len(job.files) > _MOST_PATHS:
            return [self._uploads.folder(job.collection)]
        return [Path(file.path) for file in job.files]

    def _progress(self, job_id: str, stage: str, done: int, total: int) -> None:
        with self._lock:
            now = {"stage": stage, "done": done, "total": total}
            self._jobs[job_id] = self._jobs[job_id].model_copy(update=now)

    def _conclude(self, job: Job, ended: Ended) -> None:
        lines = {line["path"]: line for line in ended.files}
        ids: dict[str, str] = {}
        with suppress(PlumblineError):  # the report stands, with or without ids
            ids = self._lookup(job.collection, {file.path for file in job.files})
        files = tuple(
            file.model_copy(
                update={"result": lines.get(file.path, {}), "document_id": ids.get(file.path)}
            )
            for file in job.files
        )
        for file in files:
            if file.result.get("status") == "forgotten":  # and so it does not stay here either
                self._uploads.remove(Path(file.path))
        total = len(files)
        self._change(job.id, files=files, done=total if ended.worked else 0, total=total)
        none_left = all(file.result.get("status") == "failed" for file in files)
        if not ended.worked:
            self._finish(job.id, "failed", ended.error)
        elif job.kind == "add" and none_left:
            self._finish(job.id, "failed", "No file could be read; each says why.")
        else:
            self._finish(job.id, "done", None)

    def _finish(self, job_id: str, status: str, error: str | None) -> None:
        self._change(job_id, status=status, error=error)
        if error:
            _log.warning("the ingest %s failed: %s", job_id, error)

    def _give_up(self, job_id: str, reason: str) -> None:
        """Mark a job as failed, at least until the next start where the disk takes nothing."""
        try:
            self._finish(job_id, "failed", reason)
        except OSError:
            with self._lock:
                update = {"status": "failed", "error": reason}
                self._jobs[job_id] = self._jobs[job_id].model_copy(update=update)

    def _change(self, job_id: str, **update: Any) -> Job:
        return self._store(self._jobs[job_id].model_copy(update=update))

    def _store(self, job: Job) -> Job:
        self._uploads.jobs.mkdir(parents=True, exist_ok=True)
        path = self._uploads.jobs / f"{job.id}.json"
        write_atomically(path, job.model_dump_json().encode())
        with self._lock:
            self._jobs[job.id] = job
        return job

    def _recover(self) -> None:
        """Read the jobs of earlier runs, queue those that were not finished, forget the oldest."""
        paths = sorted(self._uploads.jobs.glob("ingest-*.json"))
        for path in paths:
            try:
                job = Job.model_validate_json(path.read_bytes())
            except (OSError, ValidationError) as error:
                _log.error("the job %s can't be read: %s", path, error)
                continue
            self._jobs[job.id] = job
        finished = [job.id for job in self._jobs.values() if job.finished]
        for job_id in finished[:-_KEPT]:
            del self._jobs[job_id]
            (self._uploads.jobs / f"{job_id}.json").unlink(missing_ok=True)
        unfinished = self.pending()
        self._uploads.sweep({f.incoming for j in unfinished for f in j.files if f.incoming})
        for job in unfinished:
            self._queue.put(job.id)

    def _look_around(self) -> None:
        """Learn of jobs that another server process has stored, and do them if this one leads."""
        for path in sorted(self._uploads.jobs.glob("ingest-*.json")):
            known = self._jobs.get(path.stem)
            if known is not None and (self._lead.mine or known.finished):
                continue
            job = self._stored(path.stem)
            if job is None:
                continue
            with self._lock:
                self._jobs[job.id] = job
            if self._lead.mine and not job.finished:
                self._queue.put(job.id)

    def _stored(self, job_id: str) -> Job | None:
        """A job as it stands on disk; the name of the file is one that a directory listing gave, or is
        looked for in one."""
        names = {path.stem: path for path in self._uploads.jobs.glob("ingest-*.json")}
        try:
            return Job.model_validate_json(names[job_id].read_bytes())
        except (KeyError, OSError, ValidationError):
            return None

    def _take_up_strays(self) -> None:
        """Ingest uploaded files that the index does not know, because somebody pruned them or began
        a new index."""
        try:
            for collection, paths in self._strays().items():
                files = tuple(self.described(path) for path in paths)
                self.submit(Job(kind="add", collection=collection, owner="", files=files))
        except (PlumblineError, OSError) as error:
            _log.error("uploaded files could not be compared with the index: %s", error)

    def _strays(self) -> dict[str, list[Path]]:
        waiting = {file.path for job in self.pending() for file in job.files}
        found: dict[str, list[Path]] = {}
        for collection, path in self._uploads.files():
            if str(path) not in waiting:
                found.setdefault(collection, []).append(path)
        return {c: left for c, paths in found.items() if (left := self._unknown(c, paths))}

    def _unknown(self, collection: str, paths: Sequence[Path]) -> list[Path]:
        known: dict[str, str] = {}
        with suppress(NotReady, NotFound):
            known = self._lookup(collection, {str(path) for path in paths})
        return [path for path in paths if str(path) not in known]
