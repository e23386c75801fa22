"""Question in, evidence out: search, thin, join neighbours, cut to the budget."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import yaml

from contract.access import PUBLIC, Access
from contract.errors import ConfigurationError, NotFound, NotReady, PlumblineError
from contract.filters import Filter
from contract.passage import Chunk, DocumentRecord, Evidence, Hit, Passage, Sentence
from contract.settings import RetrievalSettings
from retrieval.index import Index, Query
from retrieval.manifest import MANIFEST
from retrieval.support import best_support
from text.encoder import Encoder
from text.language import reply_language
from text.terms import content_terms

# A question may be a pasted page; its end is where people ask.
_LONGEST_QUERY, _MOST_TERMS = 4000, 64


class Retriever:
    """Searches the index folder, and follows it: a new version is opened when one is published.

    Calls are serialised by a lock; they are short, and SQLite and FAISS work under it in C.
    """

    def __init__(self, folder: Path, encoder: Encoder, settings: RetrievalSettings) -> None:
        self._folder = folder
        self._encoder = encoder
        self._settings = settings
        self._lock = threading.Lock()
        self._index: Index | None = None
        self._seen: tuple[int, int] | None = None

    def search(
        self,
        question: str,
        *,
        collection: str | None = None,
        k: int = 10,
        access: Access = PUBLIC,
        where: Filter | None = None,
    ) -> list[Hit]:
        """The raw ranked chunks.

        Raises:
            NotReady: there is no index yet.
            NotFound: there is no such collection.
        """
        with self._lock:
            index = self._current()
            return self._admitted(index, self._query(question), collection, k, access, where)

    def retrieve(
        self,
        question: str,
        *,
        earlier: str = "",
        collection: str | None = None,
        k: int | None = None,
        access: Access = PUBLIC,
        where: Filter | None = None,
    ) -> Evidence:
        """Passages for the prompt, numbered from 1, best first, within the token budget.

        `earlier` is what the question refers to, if it can't be understood alone; it is searched for
        as well.
        """
        with self._lock:
            index = self._current()
            query = self._query(f"{earlier} {question}" if earlier else question)
            name = collection or self._settings.collection
            hits = self._admitted(index, query, name, k or self._settings.k, access, where)
            passages = self._passages(index, hits)
            evidence = Evidence(
                question=question,
                language=reply_language(question),
                passages=passages,
                term_weights=index.rarity(query.terms, name),
                question_vector=query.vector,
                index_version=index.manifest.version,
            )
            return replace(evidence, support=best_support(evidence))

    def document(self, document_id: str, *, access: Access = PUBLIC) -> list[Chunk]:
        """All chunks of one document, in order."""
        with self._lock:
            chunks = [_told(chunk) for chunk in self._current().document(document_id)]
        if not access.admits(chunks[0].labels):
            raise NotFound(f"There is no document {document_id!r} in the index.", param="id")
        return chunks

    def documents(
        self,
        *,
        collection: str | None = None,
        access: Access = PUBLIC,
        after: str | None = None,
        limit: int = 100,
    ) -> list[DocumentRecord]:
        """Documents by id."""
        with self._lock:
            rows = (
                self._current()
                ._catalogue.execute(
                    "SELECT id, collection, path, title, status, reason, chars, (SELECT count(*) FROM "
                    "chunk WHERE document_id = document.id) FROM document WHERE id > ? AND "
                    "(? IS NULL OR collection = ?) ORDER BY id",
                    (after or "", collection, collection),
                )
                .fetchall()
            )
        found = []
        for row in rows:
            beside = _beside(row[2])
            record = DocumentRecord(  # type: ignore[call-arg]
                *row[:3],
                beside["title"] or row[3],
                *row[4:],
                tuple(beside["labels"]),
                beside["attributes"],
                0.0,
                0.0,
            )
            if access.admits(record.labels):
                found.append(record)
        return found[:limit]

    def _admitted(
        self,
        index: Index,
        query: Query,
        collection: str | None,
        k: int,
        access: Access,
        where: Filter | None,
    ) -> list[Hit]:
        hits = self._search(index, query, collection, k * 10)
        told = [replace(hit, chunk=_told(hit.chunk)) for hit in hits]
        kept = [
            hit
            for hit in told
            if access.admits(hit.chunk.labels)
            and (where is None or where.matches(hit.chunk.attributes))
        ]
        return kept[:k]

    def check(self) -> Index:
        """The index in service.

        Raises:
            NotReady: there is none, or it is empty.
        """
        with self._lock:
            index = self._current()
        if not index.manifest.chunks:
            raise NotReady("The index holds no documents. Run `plumbline ingest PATH`.")
        return index

    def close(self) -> None:
        """Close the index."""
        with self._lock:
            if self._index:
                self._index.close()
                self._index = None

    def _current(self) -> Index:
        """The newest version; where a new one can't be opened, the one in service stays."""
        seen = _stamp(self._folder / MANIFEST)
        if self._index is None or seen != self._seen:
            try:
                fresh = Index(self._folder, self._encoder)
            except PlumblineError as error:
                if self._index is None:
                    raise _as_not_ready(error) from error
                self._seen = seen
                return self._index
            if self._index:
                self._index.close()
            self._index, self._seen = fresh, seen
        return self._index

    def _query(self, question: str) -> Query:
        question = question[-_LONGEST_QUERY:]
        reads = self._encoder.reads(question, self._settings.max_unknown_share)
        vector = self._encoder.encode_question(question) if reads else None
        return Query(tuple(content_terms(question)[-_MOST_TERMS:]), vector)

    def _search(self, index: Index, query: Query, collection: str | None, k: int) -> list[Hit]:
        settings = self._settings
        return index.search(
            query,
            collection or settings.collection,
            k=k,
            depth=max(settings.depth, k),
            dense_weight=settings.dense_weight,
        )

    def _passages(self, index: Index, hits: Sequence[Hit]) -> tuple[Passage, ...]:
        kept = self._affordable(_thinned(hits))
        return tuple(_passage(index, run, n) for n, run in enumerate(_joined(kept), 1))

    def _affordable(self, hits: Sequence[Hit]) -> list[Hit]:
        """The best hits that fit the token budget; the first one always does."""
        left = self._settings.passage_tokens
        kept: list[Hit] = []
        for hit in hits:
            left -= self._encoder.count_tokens(hit.chunk.text)
            if left < 0 and kept:
                break
            kept.append(hit)
        return kept


def _beside(path: str) -> dict:  # type: ignore[type-arg]
    beside = Path(f"{path}.plumbline.yaml")
    told = yaml.safe_load(beside.read_text("utf-8")) if beside.is_file() else {}
    return {"title": "", "labels": [], "attributes": {}} | told


def _told(chunk: Chunk) -> Chunk:
    beside = _beside(chunk.document)
    return replace(
        chunk,
        title=beside["title"] or chunk.title,
        labels=tuple(beside["labels"]),
        attributes=beside["attributes"],
    )


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_ino


def _as_not_ready(error: PlumblineError) -> PlumblineError:
    """A missing or unfinished index is only not ready; one of another encoder stays an error."""
    return NotReady(error.message) if type(error) is ConfigurationError else error


def _thinned(hits: Sequence[Hit]) -> list[Hit]:
    """Hits without those whose text was seen already (the same file in two places)."""
    seen: dict[str, Hit] = {}
    for hit in hits:
        seen.setdefault(" ".join(hit.chunk.text.split()), hit)
    return list(seen.values())


def _joined(hits: Sequence[Hit]) -> list[list[Hit]]:
    """Runs of neighbouring chunks, each at the place of its best hit."""
    runs: list[list[Hit]] = []
    for hit in hits:
        for run in runs:
            if _touches(run, hit.chunk):
                run.append(hit)
                run.sort(key=lambda member: member.chunk.ordinal)
                break
        else:
            runs.append([hit])
    return runs


def _touches(run: Sequence[Hit], chunk: Chunk) -> bool:
    first, last = run[0].chunk, run[-1].chunk
    same = first.document_id == chunk.document_id and first.heading == chunk.heading
    return same and chunk.ordinal in (first.ordinal - 1, last.ordinal + 1)


def _passage(index: Index, run: Sequence[Hit], number: int) -> Passage:
    best = max(run, key=lambda hit: hit.score)
    first = run[0].chunk
    text, sentences = first.text, list(index.sentences(first))
    end = first.end
    for hit in run[1:]:
        chunk = hit.chunk
        gap = "\n" if chunk.start > end else ""
        text += gap + chunk.text[max(0, end - chunk.start) :]
        sentences += _after(index.sentences(chunk), end)
        end = chunk.end
    return Passage(
        number=number,
        document_id=first.document_id,
        document=first.document,
        title=first.title,
        heading=first.heading,
        page=first.page,
        ordinal=best.chunk.ordinal,
        start=first.start,
        end=end,
        text=text,
        score=best.score,
        sentences=tuple(sentences),
        labels=first.labels,
    )


def _after(sentences: Sequence[Sentence], end: int) -> list[Sentence]:
    """Sentences that the run does not hold yet; overlap repeats whole sentences only."""
    return [sentence for sentence in sentences if sentence.start >= end]
