"""Lexical search: BM25 by SQLite's FTS5 over terms that `text.terms` made.

FTS5 lives in the catalogue's own file, so the lexical side is in step with the chunks by
construction (docs/decisions/0002).
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Sequence

from text.terms import is_han_pair, terms

# A pair of Han characters that the index never saw is mostly two halves of neighbouring words, not a
# word; it weighs this much of what an unseen word weighs.
_UNSEEN_PAIR = 0.35

# Weights of the columns collection, heading and body in FTS5's bm25(): a term in the heading says
# as much as one in the text.
_BM25 = "bm25(chunk_terms, 0.0, 1.0, 1.0)"


def index_terms(text: str) -> str:
    """Text as FTS5 stores it: terms parted by blanks."""
    return " ".join(terms(text))


def collection_term(name: str) -> str:
    """A collection's name as one term that no text can contain."""
    return "xcollectionx" + name.encode().hex()


class LexicalIndex:
    """The lexical side of one collection."""

    def __init__(self, connection: sqlite3.Connection, collection: str) -> None:
        self._connection = connection
        self._collection = collection_term(collection)

    def search(self, query: Sequence[str], depth: int) -> dict[int, float]:
        """Chunk id -> BM25 score (higher is better) of the best `depth` chunks with any term."""
        if not query:
            return {}
        # Terms hold letters and digits only and are quoted: user text never becomes query syntax.
        any_term = " OR ".join(f'"{term}"' for term in query)
        rows = self._connection.execute(
            f"SELECT rowid, -{_BM25} AS score FROM chunk_terms WHERE chunk_terms MATCH ? "
            "ORDER BY score DESC, rowid LIMIT ?",
            (f"collection : {self._collection} AND {{heading body}} : ({any_term})", depth),
        )
        return {int(i): float(score) for i, score in rows}

    def rarity(self, query: Iterable[str]) -> dict[str, float]:
        """Term -> idf = ln(1 + N / df), over the whole index; an unseen term is the rarest."""
        total = self._connection.execute("SELECT count(*) FROM chunk").fetchone()[0]
        found: dict[str, float] = {}
        for term in query:
            row = self._connection.execute(
                "SELECT doc FROM chunk_vocabulary WHERE term = ?", (term,)
            ).fetchone()
            found[term] = math.log(1 + total / (row[0] if row else 0.5))
            if row is None and is_han_pair(term):
                found[term] *= _UNSEEN_PAIR
        return found
