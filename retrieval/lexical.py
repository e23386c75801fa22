"""Lexical search: BM25 by tantivy over terms that `text.terms` made.

Each collection has a folder of its own for each generation. Tantivy's segments never change once
they are written, so a new generation starts from hard links to the segments of the one before it.
"""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

import tantivy

from contract.errors import ConfigurationError
from contract.files import sync
from retrieval.visible import Visible
from text.terms import is_han_pair, terms

# A pair of Han characters that the index never saw is mostly two halves of neighbouring words, not a
# word; it weighs this much of what an unseen word weighs.
_UNSEEN_PAIR = 0.35

# Tantivy asks for at least 15 MB; a larger heap makes fewer segments of a first ingest.
_HEAP_BYTES = 128 * 1024 * 1024
# Beyond this many visible documents hits are asked for in excess and sifted; up to it the query names
# the documents.
_MOST_NAMED = 2000


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("id", indexed=True, fast=True)
    builder.add_unsigned_field("document", indexed=True)
    builder.add_text_field("text", tokenizer_name="whitespace", index_option="freq")
    return builder.build()


_SCHEMA = _schema()

Words = tuple[int, int, str]
"""A chunk as the lexical side is made from it: id, document number, heading and text."""


def write_lexical(
    path: Path, previous: Path | None, gone: Iterable[int], added: Iterable[Words]
) -> None:
    """Write the folder of a generation: the one before it, without some chunks and with others.

    Args:
        path: the folder to make; what a killed run left there is removed.
        previous: folder of the generation before; None starts from nothing.
    """
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    if previous is not None:
        for file in previous.iterdir():
            # Tantivy replaces its two small JSON files and never writes into a segment.
            copy = shutil.copyfile if file.suffix == ".json" else os.link
            copy(file, path / file.name)
    index = tantivy.Index(_SCHEMA, path=str(path))
    writer = index.writer(heap_size=_HEAP_BYTES, num_threads=1)
    for chunk in gone:
        writer.delete_documents_by_query(tantivy.Query.term_query(_SCHEMA, "id", chunk))
    for chunk, document, words in added:
        row = {"id": chunk, "document": document, "text": " ".join(terms(words))}
        writer.add_document(tantivy.Document.from_dict(row, _SCHEMA))
    writer.commit()
    writer.wait_merging_threads()
    _settle(index, path)


def _settle(index: tantivy.Index, path: Path) -> None:
    """Segments that were merged away leave the folder, and what stays is durable."""
    writer = index.writer(heap_size=_HEAP_BYTES, num_threads=1)
    writer.garbage_collect_files()
    writer.wait_merging_threads()
    for file in path.iterdir():
        sync(file)


class LexicalIndex:
    """The lexical side of one collection, mapped into memory."""

    def __init__(self, path: Path) -> None:
        try:
            self._searcher = tantivy.Index.open(str(path)).searcher()
        except ValueError as error:
            raise ConfigurationError(
                f"The lexical index {path} can't be read ({error}). Run `plumbline index rebuild`."
            ) from error

    @property
    def size(self) -> int:
        """Number of chunks."""
        return int(self._searcher.num_docs)

    def search(
        self,
        query: Mapping[str, float],
        depth: int,
        visible: Visible | None = None,
    ) -> dict[int, float]:
        """Chunk id -> BM25 score (higher is better) of the best `depth` chunks with any term.

        Args:
            query: terms, each with its weight.
            visible: the chunks that count; None: all.
        """
        if not query:
            return {}
        asked = tantivy.Query.boolean_query(
            [(tantivy.Occur.Should, _term(term, weight)) for term, weight in query.items()]
        )
        if visible is None:
            return self._top(asked, depth)
        if len(visible.documents) <= _MOST_NAMED:
            named = tantivy.Query.term_set_query(_SCHEMA, "document", visible.documents.tolist())
            only = tantivy.Query.const_score_query(named, 0.0)
            must = tantivy.Occur.Must
            return self._top(tantivy.Query.boolean_query([(must, asked), (must, only)]), depth)
        return self._sifted(asked, depth, visible)

    def _sifted(self, asked: tantivy.Query, depth: int, visible: Visible) -> dict[int, float]:
        limit = 4 * depth
        while True:
            found = self._top(asked, limit)
            kept = [i for i in found if visible.admits(i)]
            if len(kept) >= depth or len(found) < limit:
                return {i: found[i] for i in kept[:depth]}
            limit *= 8

    def rarity(self, query: Iterable[str]) -> dict[str, float]:
        """Term -> idf = ln(1 + N / df) in this collection; an unseen term is the rarest."""
        found: dict[str, float] = {}
        for term in query:
            frequency = self._searcher.doc_freq("text", term)
            found[term] = math.log(1 + self.size / (frequency or 0.5))
            if not frequency and is_han_pair(term):
                found[term] *= _UNSEEN_PAIR
        return found

    def _top(self, query: tantivy.Query, limit: int) -> dict[int, float]:
        hits = self._searcher.search(query, limit=min(limit, max(1, self.size)), count=False).hits
        ids = self._searcher.fast_field_values("id", [address for _, address in hits])
        return {int(i or 0): float(score) for i, (score, _) in zip(ids, hits, strict=True)}


def _term(term: str, weight: float) -> tantivy.Query:
    """User text is a value here, never query syntax."""
    query = tantivy.Query.term_query(_SCHEMA, "text", term)
    return query if weight == 1.0 else tantivy.Query.boost_query(query, weight)
