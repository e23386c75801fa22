"""Question in, evidence out: search, rerank, thin, join neighbours, cut to the budget."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

from contract.access import PUBLIC, Access
from contract.errors import NotReady
from contract.filters import Filter
from contract.passage import Chunk, DocumentRecord, Evidence, Hit, Once, Passage, Sources
from contract.settings import RetrievalSettings
from retrieval.coverage import COVERED, by_coverage
from retrieval.follow import Following
from retrieval.glossary import SYNONYM_WEIGHT, read_glossary
from retrieval.index import Index, Query
from retrieval.passages import joined, passage_of, thinned
from retrieval.rerank import build_reranker, reranked
from retrieval.support import best_support
from text.encoder import Encoder
from text.language import reply_language
from text.terms import content_terms

# A question may be a pasted page; its end is where people ask.
_LONGEST_QUERY, _MOST_TERMS = 4000, 64
# What the words of the question before weigh beside those of a follow-up.
_EARLIER_WEIGHT = 0.6
# Hits beyond k that stand in for the repeats that are thinned out.
_SPARE = 6


@dataclass(frozen=True, slots=True)
class Scope:
    """What of the index a question may draw on."""

    collection: str
    access: Access
    where: Filter | None


def searched(question: str, earlier: str) -> str:
    """What is searched for: a question, and what it refers to."""
    return f"{earlier} {question}" if earlier else question


class Retriever:
    """Searches the index folder at its newest version.

    Calls are serialised by a lock; they are short, and SQLite and FAISS work under it in C.
    """

    def __init__(self, folder: Path, encoder: Encoder, settings: RetrievalSettings) -> None:
        self._encoder = encoder
        self._settings = settings
        self._glossary = read_glossary(settings.glossary)
        self._reranker = build_reranker(settings)
        self._lock = threading.Lock()
        self._following = Following(folder, encoder, self._lock)

    def search(
        self,
        question: str,
        *,
        collection: str | None = None,
        k: int = 10,
        access: Access = PUBLIC,
        where: Filter | None = None,
    ) -> list[Hit]:
        """The raw ranked chunks, of the documents that the caller may see and that match a filter.

        Raises:
            NotReady: there is no index yet.
            NotFound: there is no such collection.
        """
        query = self._query(question)
        with self._lock:
            scope = Scope(collection or self._settings.collection, access, where)
            return self._search(self._following.current(), question, query, scope, k)

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
        asked = searched(question, earlier)
        query = self._query(asked)
        with self._lock:
            index = self._following.current()
            name, count = collection or self._settings.collection, k or self._settings.k
            scope = Scope(name, access, where)
            hits = thinned(self._search(index, asked, query, scope, count + _SPARE))[:count]
            evidence = Evidence(
                question=question,
                language=reply_language(question),
                passages=self._passages(index, hits),
                term_weights=self._weights(index, query, name, question, asked),
                question_vector=query.vector,
                index_version=index.manifest.version,
                searched=asked,
                definitions=self._glossary.definitions(asked),
            )
            return replace(evidence, support=Once(partial(best_support, evidence)))

    def encode_questions(self, questions: Sequence[str]) -> None:
        """Encode questions together, so that `retrieve` finds their vectors."""
        asked = [question[-_LONGEST_QUERY:] for question in questions]
        share = self._settings.max_unknown_share
        self._encoder.encode_questions([q for q in asked if self._encoder.reads(q, share)])

    def document(self, document_id: str, *, access: Access = PUBLIC) -> list[Chunk]:
        """All chunks of one document, in order.

        Raises:
            NotFound: there is no such document, or the caller may not see it.
        """
        with self._lock:
            return self._following.current().document(document_id, access)

    def sources(self, document_ids: Iterable[str]) -> Sources:
        """Documents as the newest version holds them, whoever may see them.

        Raises:
            NotReady: there is no index yet.
        """
        with self._lock:
            index = self._following.current()
            found = {document: index.source(document) for document in document_ids}
            there = {document: source for document, source in found.items() if source is not None}
            return Sources(self._following.is_newest(), there)

    def documents(
        self,
        *,
        collection: str | None = None,
        access: Access = PUBLIC,
        after: str | None = None,
        limit: int = 100,
    ) -> list[DocumentRecord]:
        """Documents that the caller may see, in the order of their ids, from behind `after`.

        Raises:
            NotFound: there is no such collection.
        """
        with self._lock:
            found = self._following.current().documents(collection, access, after or "")
            return list(islice(found, limit))

    def open(self) -> None:
        """Open the index now, not with the first question.

        Raises:
            ConfigurationError: there is none, or it can't be served.
        """
        with self._lock:
            self._following.open()

    def check(self) -> Index:
        """The index in service.

        Raises:
            NotReady: there is none, or it is empty.
        """
        with self._lock:
            index = self._following.current()
        if not index.manifest.chunks:
            raise NotReady("The index holds no documents. Run `plumbline ingest PATH`.")
        return index

    def start(self) -> None:
        """Follow new versions from now on also while nobody asks: a version that is held keeps on disk what
        has left the index since."""
        self._following.start()

    def close(self) -> None:
        """Close the index."""
        self._following.stop()
        with self._lock:
            self._following.close()

    def _query(self, question: str) -> Query:
        question = question[-_LONGEST_QUERY:]
        reads = self._encoder.reads(question, self._settings.max_unknown_share)
        vector = self._encoder.encode_question(question) if reads else None
        return Query(dict.fromkeys(content_terms(question)[-_MOST_TERMS:], 1.0), vector)

    def _weights(
        self, index: Index, query: Query, collection: str, question: str, asked: str
    ) -> dict[str, float]:
        """Rarity of what was asked, less for the question before and for other names."""
        weights = index.rarity(query.terms, collection)
        own = set(content_terms(question))
        weights = {t: w * (1.0 if t in own else _EARLIER_WEIGHT) for t, w in weights.items()}
        others = self._glossary.other_terms(asked)
        rare = index.rarity(others, collection) if others else {}
        return {term: SYNONYM_WEIGHT * weight for term, weight in rare.items()} | weights

    def _search(self, index: Index, question: str, query: Query, scope: Scope, k: int) -> list[Hit]:
        settings = self._settings
        find = partial(
            index.search, collection=scope.collection, access=scope.access, where=scope.where
        )
        covered = COVERED if query.vector is None else 0
        wanted = max(k, covered, settings.rerank_depth if self._reranker else 0)
        depth, share = max(settings.depth, wanted), settings.dense_weight
        others = dict.fromkeys(self._glossary.other_terms(question), SYNONYM_WEIGHT)
        named = Query(others | dict(query.terms), query.vector)
        hits = find(named, k=wanted, depth=depth, dense_weight=share)
        if query.vector is None:
            rarity = index.rarity(list(named.terms), scope.collection)
            hits = by_coverage(hits, {term: rarity[term] * w for term, w in named.terms.items()})
        if self._reranker:
            first = settings.rerank_depth
            hits = [*reranked(self._reranker, question, hits[:first]), *hits[first:]]
        return hits[:k]

    def _passages(self, index: Index, hits: Sequence[Hit]) -> tuple[Passage, ...]:
        longest = index.manifest.splitter.get("chunk_tokens", self._settings.passage_tokens)
        fits = len(hits) * longest <= self._settings.passage_tokens
        kept = hits if fits else self._affordable(hits)
        sentences = index.sentences([hit.chunk for hit in kept])
        return tuple(passage_of(run, n, sentences) for n, run in enumerate(joined(kept), 1))

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
