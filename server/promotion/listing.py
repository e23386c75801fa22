"""All versions and their places, as programs read them."""

from __future__ import annotations

from typing import Any

from contract.promotion import BASE
from server.promotion.registry import State
from server.promotion.store import Store, Stored


def listing(state: State, store: Store, base_version: str | None = None) -> dict[str, Any]:
    """What `GET /v1/policies` answers.

    Args:
        base_version: the version that log rows of BASE bear, where it is known.
    """
    stored = {one.version: one for one in store.all()}
    gone = [v for v in (*state.wanted, *state.before) if v != BASE and v not in stored]
    versions = [BASE, *stored, *dict.fromkeys(gone)]
    return {
        "object": "list",
        "data": [_version(v, stored.get(v), state, base_version) for v in versions],
        "service": state.service,
        "candidate": state.candidate,
        "share": state.share,
        "before": list(state.before),
        "history": [entry.model_dump() for entry in state.history],
    }


def _version(
    version: str, stored: Stored | None, state: State, base_version: str | None
) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "version": version,
        "place": _place(version, state),
        "share": state.share_of(version),
    }
    if version == BASE:
        return shown | {"policy_version": base_version}
    if stored is None:
        return shown | {"missing": True}
    return shown | {
        "policy_version": version,
        "name": stored.name,
        "digest": stored.digest,
        "rank": stored.rank,
        "base": stored.base,
        "stored": stored.stored,
    }


def _place(version: str, state: State) -> str:
    if version == state.service:
        return "in service"
    if version == state.candidate:
        return "candidate"
    return "before" if version in state.before[-1:] else "stored"
