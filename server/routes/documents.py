"""Documents and collections, as far as the caller may see them."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from contract.passage import DocumentRecord
from contract.wire import Wire
from server.parts import Parts
from server.routes.dependencies import CallerDep, PartsDep
from server.routes.pages import Name, page

router = APIRouter(tags=["documents"])


class DocumentsQuery(Wire):
    """Which documents are asked for."""

    collection: Name | None = None
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


@router.get("/v1/documents")
def list_documents(
    parts: PartsDep, caller: CallerDep, query: Annotated[DocumentsQuery, Query()]
) -> dict[str, Any]:
    """Documents of all collections or of one; `after` is the last id of the page before."""
    found = parts.retriever.documents(
        collection=query.collection,
        access=caller.access,
        after=query.after,
        limit=query.limit + 1,
    )
    data = [_shown(record, parts) for record in found[: query.limit]]
    return page(data, has_more=len(found) > query.limit)


@router.get("/v1/documents/{document_id}")
async def get_document(document_id: str, parts: PartsDep, caller: CallerDep) -> dict[str, Any]:
    """A document as it was read, chunk by chunk; a citation's `#n` is the chunk with that number."""
    chunks = await parts.compute(
        lambda: parts.retriever.document(document_id, access=caller.access)
    )
    first = chunks[0]
    return {
        "id": document_id,
        "object": "plumbline.document",
        "path": parts.shown_path(first.document, first.title),
        "title": first.title,
        "labels": list(first.labels),
        "attributes": dict(first.attributes),
        "uploaded": parts.uploads.holds(first.document),
        "chunks": [
            {
                "chunk": chunk.ordinal,
                "heading": chunk.heading,
                "page": chunk.page,
                "start": chunk.start,
                "end": chunk.end,
                "text": chunk.text,
            }
            for chunk in chunks
        ],
    }


@router.get("/v1/collections")
def list_collections(parts: PartsDep, caller: CallerDep) -> dict[str, Any]:
    """The collections, each with what the caller may see of it."""
    names = sorted(parts.retriever.check().manifest.collections)
    data = []
    for name in names:
        records = list(parts.all_documents(name, caller.access))
        data.append(
            {
                "id": name,
                "object": "plumbline.collection",
                "documents": len(records),
                "chunks": sum(record.chunks for record in records),
                "statuses": dict(sorted(Counter(r.status for r in records).items())),
            }
        )
    return {"object": "list", "data": data, "has_more": False}


def _shown(record: DocumentRecord, parts: Parts) -> dict[str, Any]:
    return {
        "id": record.id,
        "object": "plumbline.document",
        "collection": record.collection,
        "path": parts.shown_path(record.path, record.title),
        "title": record.title,
        "status": record.status,
        "reason": record.reason,
        "chars": record.chars,
        "chunks": record.chunks,
        "labels": list(record.labels),
        "attributes": dict(record.attributes),
        "modified": record.modified,
        "ingested": record.ingested,
        "uploaded": parts.uploads.holds(record.path),
    }
