"""Where words are all there is, hits that hold more of the question's words come first.

BM25 lets one rare word outweigh several others. For questions that the encoder can't read, the share
of the question that a chunk, and its document among the hits, hold is added to its score. Measured in
docs/benchmarks.md; where there are vectors it gains nothing and is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from contract.passage import Hit
from text.terms import terms

# Hits that are looked at.
COVERED = 20
_CHUNK, _DOCUMENT, _SINGLE = 0.6, 0.3, 0.5


def by_coverage(hits: Sequence[Hit], weights: Mapping[str, float]) -> list[Hit]:
    """The first hits reordered, the others after them; the scores stay where they were."""
    top, rest = list(hits[:COVERED]), list(hits[COVERED:])
    own = {t: w * (_SINGLE if len(t) == 1 and not t.isascii() else 1) for t, w in weights.items()}
    total = sum(own.values()) or 1.0
    held = [own.keys() & set(terms(f"{h.chunk.heading} {h.chunk.text}")) for h in top]
    together: dict[str, set[str]] = {}
    for hit, found in zip(top, held, strict=True):
        together.setdefault(hit.chunk.document_id, set()).update(found)

    def score(i: int) -> float:
        document = together[top[i].chunk.document_id]
        chunk = sum(own[t] for t in held[i]) / total
        return top[i].score + _CHUNK * chunk + _DOCUMENT * sum(own[t] for t in document) / total

    order = sorted(range(len(top)), key=lambda i: (-score(i), i))
    return [Hit(top[i].chunk, place.score) for i, place in zip(order, top, strict=True)] + rest
