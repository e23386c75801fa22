"""One ingest run: compare, read, split, encode, publish.

The run is one transaction of the catalogue. Vectors are stored by content and committed as they are
made, so a killed run loses no encoding and leaves the index that was there before.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from contract.errors import ConfigurationError, IndexMismatch, StorageFailed
from contract.progress import Progress
from contract.settings import IngestSettings, RetrievalSettings
from ingest.caption import Captions
from ingest.gather import Gathering, report_of
from ingest.load import VERSION as LOADERS_VERSION
from ingest.publish import publish, restore_manifest
from ingest.records import (
    Known,
    forget_document,
    known_documents,
    update_document,
    write_document,
)
from ingest.report import FileReport, Report
from ingest.survey import Finding, Given, Survey, below, gone
from ingest.walk import Source, walk
from ingest.worker import Readers
from retrieval import catalogue
from retrieval.embeddings import Embeddings
from retrieval.forgotten import Forgotten
from retrieval.manifest import CATALOGUE, Manifest
from text.encoder import Encoder


def silent(stage: str, done: int, total: int) -> None:
    """No progress shown."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a run goes about it.

    Attributes:
        prune: every document of the collection that is not below the roots leaves the index, too,
            but for those below a folder of `spared`.
        rebuild: everything is read again, which is also how an index changes to another encoder.
        checksums: contents are compared even where size and times of a file are as they were.
        given: labels and attributes from the command line.
        wait_seconds: how long to wait for another ingest to end.
    """

    prune: bool = False
    spared: tuple[Path, ...] = ()
    rebuild: bool = False
    checksums: bool = False
    given: Given = Given()
    wait_seconds: float = 0.0


class Ingest:
    """Brings one collection of an index folder in step with files."""

    def __init__(
        self,
        folder: Path,
        encoder: Encoder,
        settings: RetrievalSettings,
        limits: IngestSettings | None = None,
        *,
        progress: Progress = silent,
    ) -> None:
        self._folder = folder
        self._encoder = encoder
        self._settings = settings
        self._limits = limits or IngestSettings()
        self._progress = progress
        self._recipe = _recipe(settings, self._limits)
        self._store: Embeddings | None = None

    def run(self, roots: Sequence[Path], collection: str, options: Options | None = None) -> Report:
        """Ingest files and folders. Files that are gone from the given folders leave the index.

        Raises:
            IndexMismatch: the index was made by another encoder, and `rebuild` is not set.
            ConfigurationError: another ingest is running, or the folder can't be used.
            StorageFailed: the disk is full; the index is the one that was there before.
        """
        options = options or Options()
        with self._transaction(options.wait_seconds) as connection:
            previous, other_encoder = self._previous(connection, options.rebuild)
            report = Report()
            changed = self._update(connection, roots, collection, options, report)
            if other_encoder:
                for name in _collections(connection) - {collection}:
                    self._reread(connection, name, report)
            self._publish(connection, previous, changed)
            return report

    def remove(
        self, roots: Sequence[Path], collection: str, options: Options | None = None
    ) -> Report:
        """Take documents out of the index, whether their files are still there or not.

        Raises: as `run`.
        """
        options = options or Options()
        with self._transaction(options.wait_seconds) as connection:
            previous, _ = self._previous(connection, False)
            leaving = below(known_documents(connection, collection), roots)
            report = Report([FileReport(document.path, "removed") for document in leaving])
            for document in leaving:
                forget_document(connection, document.id)
            self._publish(connection, previous, bool(leaving))
            return report

    def preview(
        self, roots: Sequence[Path], collection: str, options: Options | None = None
    ) -> Report:
        """What a run would do, as far as that is known without reading the files; nothing is written."""
        options = options or Options()
        known: dict[Path, Known] = {}
        if (self._folder / CATALOGUE).is_file():
            connection = catalogue.open_snapshot(self._folder / CATALOGUE)
            known = known_documents(connection, collection)
            connection.close()
        blocked: list[Path] = []
        sources = list(walk(roots, lambda error: blocked.append(Path(error.filename))))
        report = Report()
        for finding in self._survey(known, collection, options).look(sources):
            report.files.append(_preview(finding))
        visited = {source.location for source in sources}
        for document in gone(
            known, roots, visited, blocked, prune=options.prune, spared=options.spared
        ):
            report.files.append(FileReport(document.path, "removed"))
        return report

    @contextmanager
    def _transaction(self, wait_seconds: float) -> Iterator[sqlite3.Connection]:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            connection = catalogue.open_for_writing(self._folder / CATALOGUE, wait_seconds)
        except OSError as error:
            raise ConfigurationError(
                f"The index folder {self._folder} can't be used: {error.strerror}."
            ) from error
        try:
            yield connection
        except (OSError, sqlite3.OperationalError) as error:
            raise StorageFailed(
                f"The index in {self._folder} can't be written ({error}). It is as it was before; "
                "make room or mend the disk, and run the same command again."
            ) from error
        finally:
            # After a commit there is nothing left to roll back.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            connection.close()
            if self._store:
                self._store.close()
                self._store = None

    def _open_store(self) -> Embeddings:
        if self._store is None:
            encoder = self._encoder
            self._store = Embeddings(self._folder, encoder.fingerprint, encoder.dimensions)
        return self._store

    def _previous(
        self, connection: sqlite3.Connection, rebuild: bool
    ) -> tuple[Manifest | None, bool]:
        """The version before, and whether another encoder made it."""
        content = catalogue.read_manifest(connection)
        if content is None:
            return None, False
        manifest = Manifest.model_validate_json(content)
        try:
            manifest.check_encoder(self._encoder)
        except IndexMismatch:
            if not rebuild:
                raise
            return manifest, True
        return manifest, False

    def _publish(
        self, connection: sqlite3.Connection, previous: Manifest | None, changed: bool
    ) -> None:
        if previous and not changed:
            # What changed about files without a trace in the index, such as their stamps.
            connection.execute("COMMIT")
            restore_manifest(self._folder, previous)
            return
        publish(
            self._folder, connection, self._open_store(), self._encoder, self._settings, previous
        )

    def _survey(self, known: dict[Path, Known], collection: str, options: Options) -> Survey:
        return Survey(
            collection,
            known,
            self._recipe,
            options.given,
            Forgotten(self._folder),
            reread=options.rebuild,
            checksums=options.checksums,
        )

    def _update(
        self,
        connection: sqlite3.Connection,
        roots: Sequence[Path],
        collection: str,
        options: Options,
        report: Report,
    ) -> bool:
        known = known_documents(connection, collection)
        blocked: list[Path] = []
        sources = list(walk(roots, lambda error: blocked.append(Path(error.filename))))
        report.files += [
            FileReport(str(b), "failed", "The folder can't be listed.") for b in blocked
        ]
        if options.rebuild and not options.prune:
            sources += _others(known, {source.location for source in sources})
        changed = self._bring_up(
            connection, self._survey(known, collection, options), sources, report
        )
        visited = {source.location for source in sources}
        for document in gone(
            known, roots, visited, blocked, prune=options.prune, spared=options.spared
        ):
            forget_document(connection, document.id)
            report.files.append(FileReport(document.path, "removed"))
            changed = True
        report.files += [
            FileReport(str(root), "failed", "There is no such file or folder.")
            for root in roots
            if not root.exists() and root.resolve() not in known
        ]
        return changed

    def _reread(self, connection: sqlite3.Connection, collection: str, report: Report) -> None:
        """Another encoder needs every collection anew; a document whose file is gone can't be had."""
        known = known_documents(connection, collection)
        survey = self._survey(known, collection, Options(rebuild=True))
        sources = _others(known, set())
        self._bring_up(connection, survey, sources, report)
        for document in set(known) - {source.location for source in sources}:
            forget_document(connection, known[document].id)
            report.files.append(FileReport(known[document].path, "removed"))

    def _bring_up(
        self,
        connection: sqlite3.Connection,
        survey: Survey,
        sources: Sequence[Source],
        report: Report,
    ) -> bool:
        """Bring the documents of these files in step; was there anything to change?"""
        wanted: list[Known] = []
        changed = False
        for number, finding in enumerate(survey.look(sources), 1):
            self._progress("comparing", number, len(sources))
            changed |= self._settle(connection, finding, wanted, report)
        limits = self._limits
        gathering = Gathering(
            connection, self._open_store, self._encoder, self._settings, self._progress
        )
        with Readers(limits.workers, limits.seconds_per_file, limits.memory_bytes) as readers:
            readings = readers.read(known.location for known in wanted)
            captioned = map(Captions(limits).add, readings)
            report.files += gathering.take(wanted, captioned)
        return changed or bool(wanted)

    def _settle(
        self,
        connection: sqlite3.Connection,
        finding: Finding,
        wanted: list[Known],
        report: Report,
    ) -> bool:
        known = finding.known
        if finding.action == "read":
            wanted.append(known)
            return True
        if finding.action == "fail":
            write_document(connection, known, (), ())
            report.files.append(report_of(known))
            return True
        if finding.action == "forgotten":
            forget_document(connection, known.id)
            report.files.append(report_of(known))
            return not finding.is_new
        report.files.append(_unchanged(known, finding.action))
        if finding.action != "keep":
            update_document(connection, known)
        return finding.action == "update"


def _recipe(settings: RetrievalSettings, limits: IngestSettings) -> str:
    """How files are read and split. Where it changes, and be it that images can be read now, files are
    read again; chunks that come out the same are not encoded again."""
    ocr = "+ocr" if find_spec("rapidocr") else ""
    captions = "+captions" if limits.caption_url else ""
    return f"{LOADERS_VERSION}{ocr}{captions}/{settings.chunk_tokens}/{settings.overlap_tokens}"


def _collections(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT DISTINCT collection FROM document")}


def _others(known: dict[Path, Known], visited: set[Path]) -> list[Source]:
    """Documents beside those that a run visits, whose files are still there."""
    return [
        Source(Path(document.path), document.location)
        for document in known.values()
        if document.location not in visited and document.location.exists()
    ]


def _unchanged(known: Known, action: str = "keep") -> FileReport:
    status = "unchanged" if known.status == "indexed" else known.status
    said = [known.reason] if known.reason else []
    if action == "update":
        labels = ", ".join(known.labels) or "none"
        said.append(f"What is said of it changed; labels: {labels}.")
    return FileReport(known.path, status, " ".join(said), known.chars, known.chunks)


def _preview(finding: Finding) -> FileReport:
    if finding.action == "read":
        return FileReport(finding.known.path, "new" if finding.is_new else "changed")
    told = finding.action in ("fail", "forgotten")
    return report_of(finding.known) if told else _unchanged(finding.known)
