"""An int8 copy of an encoder in use, on ONNX Runtime and without torch."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from contract.passage import Vector
from text.engines.engine import Encoding, pool, unit
from text.engines.tokens import Tokens
from text.sentences import Span

GRAPH, TOKENIZER, HEAD, CARD = "model.onnx", "tokenizer.json", "head.safetensors", "encoder.json"


class Session:
    """A copy in use. One text is read at a time: no padding, and a text's vector can't depend on its
    company, whose range would set the scale of its activations."""

    def __init__(self, folder: Path, threads: int | None) -> None:
        self._folder = folder
        self._threads = threads

    @cached_property
    def card(self) -> dict[str, Any]:
        """What the copy says of itself."""
        content: dict[str, Any] = json.loads((self._folder / CARD).read_text(encoding="utf-8"))
        return content

    @cached_property
    def tokens(self) -> Tokens:
        """The tokenizer beside the graph."""
        return Tokens((self._folder / TOKENIZER).read_text(encoding="utf-8"))

    @cached_property
    def graph(self) -> Any:
        """ids (1, t) -> token states (1, t, h)."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads or 0
        # Threads that wait by spinning take the cores from everything else here.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(
            str(self._folder / GRAPH), options, providers=["CPUExecutionProvider"]
        )

    def encode(
        self,
        texts: Sequence[str],
        spans: Sequence[Sequence[Span]],
        progress: Callable[[int], None],
        deadline: float | None,
    ) -> list[Encoding]:
        """Encode texts and the pieces of each; see Encoder.encode."""
        found = []
        for (ids, offsets), own in zip(
            self.tokens.read(texts, self.card["max_tokens"] + 2), spans, strict=True
        ):
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError("encoding took too long")
            (states,) = self.graph.run(None, {"input_ids": np.asarray([ids], dtype=np.int64)})
            first = states[0, 0] if self.card["pooling"] == "cls" else states[0].mean(axis=0)
            rows = np.vstack([first[None], pool(states[0], np.asarray(offsets), own)])
            rows = self._finish(rows)
            found.append(Encoding(rows[0], rows[1:]))
            progress(1)
        return found

    def _finish(self, rows: Vector) -> Vector:
        """Pooled rows (n, h) through the dense layers, to unit length: (n, d)."""
        empty = ~rows.any(axis=1)
        for number, activation in enumerate(self.card["dense"]):
            rows = rows @ self._head[f"{number}.weight"].T + self._head[f"{number}.bias"]
            rows = np.tanh(rows) if activation == "Tanh" else rows
        rows[empty] = 0
        return unit(rows)

    @cached_property
    def _head(self) -> dict[str, Vector]:
        from safetensors.numpy import load

        tensors: dict[str, Vector] = load((self._folder / HEAD).read_bytes())
        return tensors
