"""OpenAI's vector stores, read-only: each collection is one, and its name is the id."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter

from contract.errors import NotFound
from contract.passage import Hit
from contract.vector_store import SearchRequest
from server.callers import Caller
from server.parts import Parts
from server.routes.dependencies import CallerDep, PartsDep

router = APIRouter(tags=["vector stores"])


@router.get("/v1/vector_stores")
def list_vector_stores(parts: PartsDep, caller: CallerDep) -> dict[str, Any]:
    """All collections."""
    data = [_store(name, parts, caller) for name in _names(parts)]
    return {
        "object": "list",
        "data": data,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "has_more": False,
    }


@router.get("/v1/vector_stores/{store_id}")
def get_vector_store(store_id: str, parts: PartsDep, caller: CallerDep) -> dict[str, Any]:
    """One collection."""
    _check(store_id, parts)
    return _store(store_id, parts, caller)


@router.post("/v1/vector_stores/{store_id}/search")
async def search(
    store_id: str, body: SearchRequest, parts: PartsDep, caller: CallerDep
) -> dict[str, Any]:
    """The best chunks for one query or several, of documents that the caller may see."""
    _check(store_id, parts)
    found: list[Hit] = []
    for query in body.queries:
        found += await parts.search(
            query, store_id, body.max_num_results, caller.access, body.filters
        )
    least = body.ranking_options.score_threshold
    kept = [hit for hit in _best(found) if hit.score >= least][: body.max_num_results]
    return {
        "object": "vector_store.search_results.page",
        "search_query": body.query,
        "data": [_result(hit, parts) for hit in kept],
        "has_more": False,
        "next_page": None,
    }


def _names(parts: Parts) -> list[str]:
    return sorted(parts.retriever.check().manifest.collections)


def _check(store_id: str, parts: Parts) -> None:
    if store_id not in _names(parts):
        raise NotFound(
            f"There is no vector store {store_id!r}; each collection is one, by its name.",
            code="collection_not_found",
            param="vector_store_id",
        )


def _best(hits: Iterable[Hit]) -> list[Hit]:
    """Each chunk once, at its best score, the best first."""
    best: dict[int, Hit] = {}
    for hit in hits:
        if hit.chunk.id not in best or hit.score > best[hit.chunk.id].score:
            best[hit.chunk.id] = hit
    return sorted(best.values(), key=lambda hit: (-hit.score, hit.chunk.id))


def _result(hit: Hit, parts: Parts) -> dict[str, Any]:
    chunk = hit.chunk
    return {
        "file_id": chunk.document_id,
        "filename": parts.shown_path(chunk.document, chunk.title),
        "score": hit.score,
        "attributes": dict(chunk.attributes),
        "content": [{"type": "text", "text": chunk.text}],
    }


def _store(name: str, parts: Parts, caller: Caller) -> dict[str, Any]:
    """A collection as a vector store; `usage_bytes` counts the characters of its texts."""
    records = list(parts.all_documents(name, caller.access))
    statuses = Counter(record.status for record in records)
    pending = parts.ingests.pending(name)
    waiting = sum(len(job.files) for job in pending if job.visible_to(caller))
    return {
        "id": name,
        "object": "vector_store",
        "created_at": int(min((record.ingested for record in records), default=0)),
        "last_active_at": int(max((record.ingested for record in records), default=0)),
        "name": name,
        "usage_bytes": sum(record.chars for record in records),
        "file_counts": {
            "in_progress": waiting,
            "completed": statuses["indexed"],
            "failed": len(records) - statuses["indexed"],
            "cancelled": 0,
            "total": len(records) + waiting,
        },
        "status": "in_progress" if waiting else "completed",
        "expires_after": None,
        "expires_at": None,
        "metadata": {},
    }
