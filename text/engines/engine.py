"""What an engine gives, and the arithmetic that the local ones share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from contract.passage import Vector
from text.engines.tokens import Tokens
from text.sentences import Span


@dataclass(frozen=True, slots=True)
class Encoding:
    """`vector`: (d,), unit length. `sentences`: (s, d), one unit row for each span asked for;
    a span that holds no token, or whose engine gives no sentence vectors, has a row of zeros."""

    vector: Vector
    sentences: Vector


class Engine(Protocol):
    """One way to encode. Construction is cheap; the first use loads weights or opens connections."""

    @property
    def fingerprint(self) -> str:
        """Equal fingerprints mean that the vectors can stand in one index."""

    @property
    def dimensions(self) -> int:
        """Length of a vector."""

    @property
    def max_tokens(self) -> int:
        """Longest text that is read whole, the special tokens not counted."""

    @property
    def tokens(self) -> Tokens:
        """The tokenizer that splits and counts for this engine."""

    @property
    def loaded(self) -> bool:
        """Have the weights been loaded, or has the server been asked?"""

    def encode(
        self,
        texts: Sequence[str],
        spans: Sequence[Sequence[Span]],
        progress: Callable[[int], None],
        deadline: float | None,
    ) -> list[Encoding]:
        """Encode texts and the pieces of each; see Encoder.encode."""


def batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Numbers of texts in batches of like length: at most `budget` tokens each, padding counted,
    and never less than one text."""
    batch: list[int] = []
    for number in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        if batch and (len(batch) + 1) * lengths[number] > budget:
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch


def pool(states: Vector, offsets: np.ndarray, spans: Sequence[Span]) -> Vector:
    """Mean token state of each span: states (t, h), offsets (t, 2) -> (s, h); zeros without a token."""
    rows = np.zeros((len(spans), states.shape[1]), dtype=np.float32)
    real = offsets[:, 1] > offsets[:, 0]
    for row, (start, end) in zip(rows, spans, strict=True):
        inside = real & (offsets[:, 0] >= start) & (offsets[:, 1] <= end)
        if inside.any():
            row[:] = states[inside].mean(axis=0)
    return rows


def unit(rows: Vector) -> Vector:
    """Rows (…, d) scaled to length 1; a row of zeros stays one."""
    norms = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.where(norms > 0, norms, 1), dtype=np.float32)
