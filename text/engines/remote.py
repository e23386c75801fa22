"""The engine somewhere else: any server of OpenAI-style embeddings."""

from __future__ import annotations

import hashlib
import time
import weakref
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import httpx
import numpy as np
import orjson

from contract.errors import ConfigurationError, EncoderUnavailable
from contract.model_server import error_of, parse_reply
from contract.passage import Vector
from text.engines.engine import Encoding, batches, unit
from text.engines.tokens import Tokens
from text.sentences import Span

_PROBE = "Twelve blue bicycles stood in the rain behind the old post office in Lisbon."
_BATCH_TOKENS, _BATCH_TEXTS = 8192, 32  # text-embeddings-inference takes 32 texts by default
_TRY_AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 8.0


class RemoteEngine:
    """A model behind `POST {url}/embeddings`.

    Args:
        url: base URL, ending in /v1.
        model: the model's id there.
        tokens: counts and splits; not necessarily the model's own.
        max_tokens: longer texts are cut, as counted by `tokens`.
        timeout_seconds: longest wait for one batch, repeated attempts included.
        sentences: whether sentences are sent as texts of their own; without, their rows are zeros.
    """

    def __init__(
        self,
        url: str,
        model: str,
        tokens: Tokens,
        *,
        api_key: str | None = None,
        max_tokens: int = 256,
        timeout_seconds: float = 60.0,
        sentences: bool = False,
    ) -> None:
        self.url = url.rstrip("/")
        self.model = model
        self.tokens = tokens
        self.max_tokens = max_tokens
        self._timeout = timeout_seconds
        self._sentences = sentences
        headers = {"content-type": "application/json"}
        if api_key:
            headers["authorization"] = f"Bearer {api_key}"
        self._client = httpx.Client(headers=headers, trust_env=False)
        # Nobody closes an encoder; connections must not outlive it all the same.
        weakref.finalize(self, self._client.close)

    @cached_property
    def fingerprint(self) -> str:
        """Of the model's id, its dimensions, and what it makes of a fixed text."""
        about = f"{self.model}\0{self.dimensions}\0{self._sentences}\0{_outline(self._probe)}"
        return hashlib.sha256(about.encode()).hexdigest()[:16]

    @property
    def dimensions(self) -> int:
        """Length of a vector, as the first answer had it."""
        return len(self._probe)

    @property
    def loaded(self) -> bool:
        """Has the server been asked?"""
        return "_probe" in vars(self)

    def encode(
        self,
        texts: Sequence[str],
        spans: Sequence[Sequence[Span]],
        progress: Callable[[int], None],
        deadline: float | None,
    ) -> list[Encoding]:
        """Embed texts, and where that is wanted each span as a text of its own.

        Raises:
            TimeoutError: the deadline passed.
            EncoderUnavailable: the server can't be reached or answers what it should not.
        """
        sizes = [len(own) if self._sentences else 0 for own in spans]
        pieces = [text[a:b] for text, own in zip(texts, spans) for a, b in own]
        vectors = self._embed([*texts, *(pieces if self._sentences else ())], progress, deadline)
        results, at = [], len(texts)
        for number, own in enumerate(spans):
            rows = np.zeros((len(own), self.dimensions), dtype=np.float32)
            if self._sentences:
                rows[:] = vectors[at : at + sizes[number]]
            at += sizes[number]
            results.append(Encoding(vectors[number], rows))
        return results

    @cached_property
    def _probe(self) -> Vector:
        reply = self._ask([_PROBE], None)
        return unit(np.asarray(reply[0], dtype=np.float32))

    def _embed(
        self, texts: Sequence[str], progress: Callable[[int], None], deadline: float | None
    ) -> Vector:
        """Unit rows (n, d) of texts; a text without a letter or digit is not sent and has zeros."""
        rows = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        wanted = [i for i, text in enumerate(texts) if text.strip()]
        cut = [self.tokens.cut(texts[i], self.max_tokens) for i in wanted]
        lengths = [self.tokens.count(text) for text in cut]
        for batch in batches(lengths, _BATCH_TOKENS):
            for start in range(0, len(batch), _BATCH_TEXTS):
                part = batch[start : start + _BATCH_TEXTS]
                found = self._ask([cut[i] for i in part], deadline)
                for place, vector in zip(part, found, strict=True):
                    rows[wanted[place]] = self._checked(vector)
                progress(len(part))
        return unit(rows)

    def _checked(self, vector: Any) -> Vector:
        row = np.asarray(vector, dtype=np.float32)
        if row.shape != (self.dimensions,):
            raise EncoderUnavailable(
                f"The encoder's server {self.url} gave a vector of {row.size} numbers after one of "
                f"{self.dimensions}. Has its model changed?"
            )
        return row

    def _ask(self, texts: Sequence[str], deadline: float | None) -> list[Any]:
        """One request, repeated while the server is busy and there is time."""
        limit = time.monotonic() + self._timeout
        limit = limit if deadline is None else min(limit, deadline)
        body = {"model": self.model, "input": list(texts), "encoding_format": "float"}
        content, pause = orjson.dumps(body), _FIRST_PAUSE
        while True:
            left = limit - time.monotonic()
            if left <= 0:
                raise self._too_late(deadline)
            try:
                timeout = httpx.Timeout(left, connect=min(left, 5.0))
                reply = self._client.post(
                    self.url + "/embeddings", content=content, timeout=timeout
                )
            except httpx.TransportError as error:
                if time.monotonic() + pause >= limit:
                    raise self._gone(error, deadline) from error
                asked = pause
            else:
                if reply.status_code not in _TRY_AGAIN:
                    return self._read(reply, len(texts))
                asked = max(pause, _retry_after(reply))
                if time.monotonic() + asked >= limit:
                    return self._read(reply, len(texts))
            time.sleep(asked)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _too_late(self, deadline: float | None) -> Exception:
        if deadline is not None and time.monotonic() > deadline:
            return TimeoutError("encoding took too long")
        return EncoderUnavailable(f"The encoder's server {self.url} did not answer in time.")

    def _gone(self, error: Exception, deadline: float | None) -> Exception:
        if isinstance(error, httpx.TimeoutException):
            return self._too_late(deadline)
        return EncoderUnavailable(
            f"The encoder's server {self.url} can't be reached ({type(error).__name__}). "
            "Is it running, and is retrieval.encoder_url right?"
        )

    def _read(self, reply: httpx.Response, expected: int) -> list[Any]:
        """The vectors in the order of the texts."""
        content = parse_reply(reply.content)
        if not reply.is_success:
            detail, _ = error_of(content)
            if reply.status_code in _TRY_AGAIN:
                raise EncoderUnavailable(
                    f"The encoder's server {self.url} answered with status {reply.status_code}: {detail}"
                )
            raise ConfigurationError(
                f"The encoder's server {self.url} refused to encode with {self.model!r} (status "
                f"{reply.status_code}: {detail}). Look at retrieval.encoder, encoder_api_key and "
                "encoder_max_tokens."
            )
        try:
            data = (content or {})["data"]
            found = {int(entry["index"]): entry["embedding"] for entry in data}
            vectors = [found[number] for number in range(expected)]
            rows = np.asarray(vectors, dtype=np.float32)
            sound = len(data) == expected and rows.ndim == 2 and rows.shape[1] > 0
            sound = sound and bool(np.isfinite(rows).all() and rows.any(axis=1).all())
        except (LookupError, TypeError, ValueError):
            sound = False
        if not sound:
            raise EncoderUnavailable(
                f"The encoder's server {self.url} did not answer with one vector for each of "
                f"{expected} texts. Is it an embedding model?"
            )
        return vectors


def _retry_after(reply: httpx.Response) -> float:
    try:
        return float(reply.headers.get("retry-after", 0))
    except ValueError:
        return 0.0


def _outline(vector: Vector) -> str:
    """The strongest coordinates of a vector, with their signs.

    It must not change with the last digits, which vary with a server's load and arithmetic, so it is
    cut where the gap between one strength and the next is widest.
    """
    order = np.argsort(-np.abs(vector), kind="stable")[:33]
    strength = np.abs(vector)[order]
    first = min(8, len(order))
    gaps = strength[first - 1 : -1] - strength[first:]
    size = first + int(gaps.argmax()) if len(gaps) else len(order)
    chosen = sorted(int(i) for i in order[:size])
    return ",".join(f"{'-' if vector[i] < 0 else '+'}{i}" for i in chosen)
