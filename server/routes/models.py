"""`/v1/models`: the model id `plumbline`, and what stands behind it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from contract.errors import NotFound, PlumblineError
from server.parts import Parts
from server.replies import MODEL
from server.routes.dependencies import PartsDep

router = APIRouter(tags=["models"])


@router.get("/v1/models")
def list_models(parts: PartsDep) -> dict[str, Any]:
    """The one model: it always names the policy in service."""
    return {"object": "list", "data": [_model(parts)]}


@router.get("/v1/models/{model}")
def get_model(model: str, parts: PartsDep) -> dict[str, Any]:
    """The same, by name."""
    if model != MODEL:
        raise no_such_model(model)
    return _model(parts)


def no_such_model(model: str) -> NotFound:
    """The error for a name that is not ours."""
    return NotFound(
        f"The model {model!r} does not exist here. Use {MODEL!r}, which always names the policy in service.",
        code="model_not_found",
        param="model",
    )


def _model(parts: Parts) -> dict[str, Any]:
    return {
        "id": MODEL,
        "object": "model",
        "created": 0,
        "owned_by": "plumbline",
        "plumbline": {
            "policy": parts.rollout.describe(),
            "servers": _servers(parts),
            "encoder": parts.encoder.name,
            "judge": parts.judge.version,
            "rubric": parts.judge.rubric.fingerprint,
            "index": _index(parts),
            "settings": parts.settings.version,
        },
    }


def _servers(parts: Parts) -> list[dict[str, Any]]:
    """The servers behind the policy, none with the embedded reader."""
    states = parts.replicas.states if parts.replicas is not None else []
    return [
        {"url": state.url, "healthy": state.healthy, "in_flight": state.in_flight}
        for state in states
    ]


def _index(parts: Parts) -> dict[str, Any] | None:
    try:
        manifest = parts.retriever.check().manifest
    except PlumblineError:
        return None
    return {
        "version": manifest.version,
        "documents": manifest.documents,
        "chunks": manifest.chunks,
        "collections": sorted(manifest.collections),
    }
