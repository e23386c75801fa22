"""A few turns that cover many: greedy k-centre over what was asked (Sener & Savarese 2018, algorithm 1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from contract.passage import Vector
from text.encoder import Encoder
from text.terms import terms

_HASHED = 512
_BATCH = 256
# As in retrieval: more unknown pieces than this, and the encoder makes no sense of a text.
_UNKNOWN = 0.3


def k_centre(
    vectors: Vector, count: int, progress: Callable[[int, int], None] = lambda done, total: None
) -> list[int]:
    """The numbers of `count` rows such that the farthest other row is as near to one of them as greed gets.

    Args:
        vectors: unit vectors, (n, d).
    """
    if count >= len(vectors):
        return list(range(len(vectors)))
    # The first centre is the row nearest to the middle, so that no seed is needed.
    middle = vectors.mean(axis=0)
    chosen = [int(np.argmax(vectors @ middle))]
    nearest = vectors @ vectors[chosen[0]]
    while len(chosen) < count:
        farthest = int(np.argmin(nearest))
        chosen.append(farthest)
        np.maximum(nearest, vectors @ vectors[farthest], out=nearest)
        nearest[farthest] = np.inf
        progress(len(chosen), count)
    return sorted(chosen)


def select(
    texts: Sequence[str],
    count: int,
    encoder: Encoder,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> set[int]:
    """The numbers of the texts that stay: each language by its share, since what one encoder can't read is
    compared by its terms."""
    readable = np.array([encoder.reads(text, _UNKNOWN) for text in texts])
    read, unread = np.flatnonzero(readable), np.flatnonzero(~readable)
    share = round(count * len(unread) / len(texts))
    if len(read) and len(unread) and count > 1:
        share = min(max(share, 1), count - 1)
    kept: set[int] = set()
    for group, most, vectors_of in (
        (read, count - share, partial(_encoded, encoder)),
        (unread, share, _hashed),
    ):
        if len(group) and most:
            centres = k_centre(vectors_of([texts[i] for i in group.tolist()]), most, progress)
            kept.update(group[centres].tolist())
    return kept


def _encoded(encoder: Encoder, texts: Sequence[str]) -> Vector:
    batches = (texts[i : i + _BATCH] for i in range(0, len(texts), _BATCH))
    return np.stack([e.vector for batch in batches for e in encoder.encode(batch)])


def _hashed(texts: Sequence[str]) -> Vector:
    """Unit vectors of term counts, hashed into few places (Weinberger et al. 2009)."""
    vectors = np.zeros((len(texts), _HASHED), dtype=np.float32)
    for row, text in zip(vectors, texts):
        for term in terms(text):
            code = _code(term)
            row[code % _HASHED] += 1 if code & 0x10000 else -1
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors /= np.maximum(norms, 1e-9)
    return vectors


def _code(term: str) -> int:
    """A hash that is the same in every process."""
    code = 2166136261
    for byte in term.encode():
        code = (code ^ byte) * 16777619 & 0xFFFFFFFF
    return code
