"""A second look at the best hits by a model that reads question and passage together.

Either a sentence-transformers CrossEncoder on this machine, or a `/rerank` endpoint as Jina, Cohere
and vLLM serve it. It only orders: if it fails or is late, the fused order stands.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import httpx
import orjson

from contract.errors import ConfigurationError
from contract.passage import Hit
from contract.settings import RetrievalSettings

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

_log = logging.getLogger(__name__)

# The clock is looked at between batches.
_BATCH = 4


class RerankFailed(Exception):
    """There are no scores; the message says why."""


class Reranker(Protocol):
    """Scores passages for a question; higher is better, comparable within one call."""

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """One score for each text.

        Raises:
            RerankFailed: there is none, or not in time.
        """


class LocalReranker:
    """A CrossEncoder, by name or folder."""

    def __init__(self, name: str, timeout_seconds: float) -> None:
        self._model = _load(name)
        self._timeout = timeout_seconds

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """One score for each text."""
        deadline = time.monotonic() + self._timeout
        found: list[float] = []
        for start in range(0, len(texts), _BATCH):
            if time.monotonic() > deadline:
                raise RerankFailed(f"it took longer than {self._timeout:g} seconds")
            pairs = [(question, text) for text in texts[start : start + _BATCH]]
            try:
                scored = self._model.predict(pairs, show_progress_bar=False)
                found += [float(score) for score in scored]
            except (RuntimeError, ValueError, TypeError) as error:
                raise RerankFailed(str(error)) from error
        return found


class RemoteReranker:
    """A `/rerank` endpoint that returns `results: [{index, relevance_score}]`."""

    def __init__(
        self, url: str, model: str | None, api_key: str | None, timeout_seconds: float
    ) -> None:
        self._url = url.rstrip("/")
        if not self._url.endswith("/rerank"):
            self._url += "/rerank"
        self._model = model
        headers = {"content-type": "application/json"}
        if api_key:
            headers["authorization"] = f"Bearer {api_key}"
        self._client = httpx.Client(headers=headers, timeout=timeout_seconds, trust_env=False)

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """One score for each text."""
        body = {"query": question, "documents": list(texts), "top_n": len(texts)}
        if self._model:
            body["model"] = self._model
        try:
            reply = self._client.post(self._url, content=orjson.dumps(body)).raise_for_status()
            results = orjson.loads(reply.content)["results"]
            found = {int(r["index"]): float(r["relevance_score"]) for r in results}
            return [found[i] for i in range(len(texts))]
        except (httpx.HTTPError, ValueError, LookupError, TypeError) as error:
            raise RerankFailed(f"{self._url} gave no scores ({error!r})") from error


def build_reranker(settings: RetrievalSettings) -> Reranker | None:
    """What the settings ask for, or None.

    Raises:
        ConfigurationError: the model can't be loaded.
    """
    limit = settings.rerank_timeout_seconds
    if settings.rerank_url is not None:
        key = settings.rerank_api_key
        return RemoteReranker(
            str(settings.rerank_url),
            settings.rerank_model,
            key.get_secret_value() if key else None,
            limit,
        )
    return LocalReranker(settings.rerank_model, limit) if settings.rerank_model else None


def reranked(reranker: Reranker, question: str, hits: Sequence[Hit]) -> list[Hit]:
    """The hits in the model's order, or as they are where it fails.

    The scores stay where they were, best first: what is learned of their scale stays true.
    """
    try:
        scores = reranker.scores(question, [f"{h.chunk.heading}\n{h.chunk.text}" for h in hits])
    except RerankFailed as error:
        _log.warning("not reranked, the fused order stands: %s", error)
        return list(hits)
    order = sorted(range(len(hits)), key=lambda i: (-scores[i], i))
    return [Hit(hits[i].chunk, place.score) for i, place in zip(order, hits, strict=True)]


def _load(name: str) -> CrossEncoder:
    # Late on purpose: nobody who does not rerank pays for the import.
    from sentence_transformers import CrossEncoder

    try:
        return CrossEncoder(name, device="cpu")
    except Exception as error:
        raise ConfigurationError(
            f"retrieval.rerank_model {name!r} can't be loaded as a CrossEncoder "
            f"({type(error).__name__}: {error}). Give a folder or a model name, or unset it."
        ) from error
