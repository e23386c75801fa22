"""The plain engine: sentence-transformers on torch, in 32-bit floating point."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from contract.passage import Vector
from text.engines.engine import Encoding, batches, pool, unit
from text.engines.folder import fingerprint_of
from text.engines.tokens import Tokens
from text.sentences import Span

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# Tokens of a batch, padding counted. More no longer fit the cache of a core, and fewer leave the
# matrix multiplications too small (docs/benchmarks.md).
_BUDGET = 1024


class TorchEngine:
    """Any sentence-transformers folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def fingerprint(self) -> str:
        """Of the folder alone."""
        return fingerprint_of(self.folder)

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        size: int | None = self.model.get_embedding_dimension()
        assert size is not None, "a sentence encoder states its dimension"
        return size

    @property
    def max_tokens(self) -> int:
        """As the folder says, less the two special tokens."""
        longest: int = self.model.max_seq_length or 512
        return int(longest) - 2

    @cached_property
    def tokens(self) -> Tokens:
        """The model's own tokenizer."""
        return Tokens(self.model.tokenizer.backend_tokenizer.to_str())

    @property
    def loaded(self) -> bool:
        """Have the weights been loaded?"""
        return "model" in vars(self)

    @cached_property
    def model(self) -> SentenceTransformer:
        """The modules of the folder, on the CPU."""
        # Late on purpose: importing torch takes seconds, and a run in which nothing changed, or
        # `--help`, must not pay them.
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()
        return SentenceTransformer(str(self.folder), device="cpu", local_files_only=True)

    def encode(
        self,
        texts: Sequence[str],
        spans: Sequence[Sequence[Span]],
        progress: Callable[[int], None],
        deadline: float | None,
    ) -> list[Encoding]:
        """One pass over each text; its sentences are means of the token states inside them."""
        read = self.tokens.read(texts, self.max_tokens + 2)
        results: dict[int, Encoding] = {}
        for batch in batches([len(ids) for ids, _ in read], _BUDGET):
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError("encoding took too long")
            states, vectors = self._forward([read[i][0] for i in batch])
            for place, number in enumerate(batch):
                offsets = np.asarray(read[number][1])
                rows = pool(states[place, : len(offsets)], offsets, spans[number])
                results[number] = Encoding(unit(vectors[place]), unit(self._finish(rows)))
            progress(len(batch))
        return [results[number] for number in range(len(texts))]

    def _forward(self, rows: Sequence[Sequence[int]]) -> tuple[Vector, Vector]:
        """Token states (n, t, h) and vectors (n, d) of rows of ids."""
        import torch

        width = max(len(row) for row in rows)
        ids = torch.full((len(rows), width), self._padding, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for place, row in enumerate(rows):
            ids[place, : len(row)] = torch.tensor(row)
            mask[place, : len(row)] = 1
        with torch.inference_mode():
            output = self.model.forward({"input_ids": ids, "attention_mask": mask})
        states: Vector = output["token_embeddings"].float().numpy()
        vectors: Vector = output["sentence_embedding"].float().numpy()
        return states, vectors

    def _finish(self, rows: Vector) -> Vector:
        """Sentence rows (s, h) through what the folder has after pooling: (s, d)."""
        import torch

        modules = list(self.model.children())[2:]
        if not modules or not len(rows):
            return rows
        empty = ~rows.any(axis=1)
        with torch.inference_mode():
            features = {"sentence_embedding": torch.from_numpy(rows)}
            for module in modules:
                features = module(features)
        finished: Vector = features["sentence_embedding"].float().numpy().copy()
        finished[empty] = 0
        return finished

    @cached_property
    def _padding(self) -> int:
        found: int | None = self.model.tokenizer.pad_token_id
        return found or 0
