"""The int8 engine: ONNX Runtime on a quantised copy of the encoder, without torch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

from contract.errors import ConfigurationError
from text.engines.engine import Encoding
from text.engines.onnx_export import RECIPE, Say, made_copy
from text.engines.onnx_session import Session
from text.engines.tokens import Tokens
from text.engines.torch_engine import TorchEngine
from text.sentences import Span

_NEEDED = ("onnxruntime", "onnx", "onnxscript")


class OnnxEngine:
    """An int8 copy of a sentence-transformers folder, made at the first construction.

    Args:
        folder: the sentence-transformers folder.
        cache: where copies are kept.
        threads: threads of one pass; None: all cores.
        say: told what is being made, line by line.

    Raises:
        ConfigurationError: the extra is not installed, or the model can't be copied.
    """

    def __init__(self, folder: Path, cache: Path, threads: int | None, say: Say) -> None:
        absent = [name for name in _NEEDED if not _is_installed(name)]
        if absent:
            raise ConfigurationError(
                f"retrieval.encoder_engine is onnx-int8, and {', '.join(absent)} is not installed. "
                "Run `pip install --constraint constraints.txt --editable '.[onnx]'`, or set it to torch."
            )
        source = TorchEngine(folder)
        self.fingerprint = hashlib.sha256(f"{source.fingerprint}\0{RECIPE}".encode()).hexdigest()[
            :16
        ]
        self._session = Session(made_copy(source, cache, say), threads)

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return int(self._session.card["dimensions"])

    @property
    def max_tokens(self) -> int:
        """As the original."""
        return int(self._session.card["max_tokens"])

    @property
    def tokens(self) -> Tokens:
        """The original's tokenizer."""
        return self._session.tokens

    @property
    def loaded(self) -> bool:
        """Has the graph been loaded?"""
        return "graph" in vars(self._session)

    def encode(
        self,
        texts: Sequence[str],
        spans: Sequence[Sequence[Span]],
        progress: Callable[[int], None],
        deadline: float | None,
    ) -> list[Encoding]:
        """One pass for each text; see Session.encode."""
        return self._session.encode(texts, spans, progress, deadline)


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ValueError:  # the module was put out of use
        return False
