"""Files become chunks with vectors, some hundred at a time, so that memory stays bounded."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from contract.progress import Progress
from contract.settings import RetrievalSettings
from ingest.load.document import LoadedDocument
from ingest.records import Known, write_document
from ingest.report import FileReport
from ingest.split import Piece, split
from ingest.worker import Reading
from retrieval.embeddings import Embeddings, embedding_key
from text.encoder import Encoder

# Chunks encoded together: enough to sort by length, so that little is padded.
_GROUP = 512
# Encodings are made durable in groups of this many: a kill costs at most their time.
_COMMIT_EVERY = 64


@dataclass(frozen=True, slots=True)
class _Draft:
    """A file that was read and split, waiting for its vectors."""

    known: Known
    pieces: Sequence[Piece] = ()
    keys: Sequence[bytes] = ()


class Gathering:
    """Writes what readers read into the catalogue's open transaction, and its vectors to the store."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        store: Callable[[], Embeddings],
        encoder: Encoder,
        settings: RetrievalSettings,
        progress: Progress,
    ) -> None:
        self._connection = connection
        self._open_store = store
        self._encoder = encoder
        self._settings = settings
        self._progress = progress

    def take(self, wanted: Sequence[Known], readings: Iterable[Reading]) -> Iterator[FileReport]:
        """Split, encode and write each reading; `wanted` says what is known of the files, in the same
        order. A report for each file follows when it is written."""
        waiting: list[_Draft] = []
        for number, (known, reading) in enumerate(zip(wanted, readings, strict=True), 1):
            waiting.append(self._split(known, reading))
            self._progress("reading", number, len(wanted))
            if sum(len(draft.pieces) for draft in waiting) >= _GROUP:
                yield from self._write(waiting)
                waiting = []
        yield from self._write(waiting)

    def _split(self, known: Known, reading: Reading) -> _Draft:
        known = replace(
            known,
            content_hash=reading.sha256 or "",
            status=reading.status,
            reason=reading.reason,
        )
        document = reading.document
        if document is None or reading.status != "indexed":
            return _Draft(known)
        document = replace(document, title=known.title or document.title)
        pieces = self._pieces(document)
        keys = [embedding_key(self._encoder.fingerprint, p.heading, p.text) for p in pieces]
        known = replace(known, title=document.title, chars=len(document.text), chunks=len(pieces))
        return _Draft(known, pieces, keys)

    def _pieces(self, document: LoadedDocument) -> list[Piece]:
        settings = self._settings
        return split(document, self._encoder, settings.chunk_tokens, settings.overlap_tokens)

    def _write(self, drafts: Sequence[_Draft]) -> Iterator[FileReport]:
        self._encode({k: p for d in drafts for k, p in zip(d.keys, d.pieces, strict=True)})
        for draft in drafts:
            write_document(self._connection, draft.known, draft.pieces, draft.keys)
            yield report_of(draft.known)

    def _encode(self, wanted: dict[bytes, Piece]) -> None:
        if not wanted:
            return
        store = self._open_store()
        missing = sorted(store.missing(wanted), key=lambda key: len(wanted[key].text))
        for start in range(0, len(missing), _COMMIT_EVERY):
            keys = missing[start : start + _COMMIT_EVERY]
            pieces = [wanted[key] for key in keys]
            texts = [_encoded_text(piece) for piece in pieces]
            encodings = self._encoder.encode(texts, [_encoded_spans(piece) for piece in pieces])
            store.add(zip(keys, (p.sentences for p in pieces), encodings, strict=True))
            self._progress("encoding", start + len(keys), len(missing))


def report_of(known: Known) -> FileReport:
    """A document as the run reports it."""
    return FileReport(known.path, known.status, known.reason, known.chars, known.chunks)


def _encoded_text(piece: Piece) -> str:
    return f"{piece.heading}\n{piece.text}" if piece.heading else piece.text


def _encoded_spans(piece: Piece) -> list[tuple[int, int]]:
    shift = len(piece.heading) + 1 if piece.heading else 0
    return [(start + shift, end + shift) for start, end in piece.sentences]
