"""`GET /v1/documents/{id}`: where a citation's url leads."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from server.routes.dependencies import PartsDep

router = APIRouter(tags=["documents"])


@router.get("/v1/documents/{document_id}")
async def get_document(document_id: str, parts: PartsDep) -> dict[str, Any]:
    """A document as it was read, chunk by chunk; a citation's `#n` is the chunk with that number."""
    chunks = await parts.compute(lambda: parts.retriever.document(document_id))
    return {
        "id": document_id,
        "object": "plumbline.document",
        "path": chunks[0].document,
        "title": chunks[0].title,
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
