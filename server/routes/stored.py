"""OpenAI's stored completions, read back from the log."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from contract.errors import NotFound
from feedback.records import CompletionRecord
from server.routes.dependencies import CallerDep, PartsDep

router = APIRouter(tags=["stored completions"])


@router.get("/v1/chat/completions")
def list_completions(
    parts: PartsDep,
    caller: CallerDep,
    after: str = "",
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    order: Literal["asc", "desc"] = "asc",
) -> dict[str, Any]:
    """Completions in the order of their time, or the newest first, as far as the caller may see all
    of their passages. Turns that failed are in the log, not here."""
    turns = parts.log.completions(
        after=after, newest_first=order == "desc", failed=False, access=caller.access
    )
    found = list(islice(turns, limit + 1))
    page = found[:limit]
    return {
        "object": "list",
        "data": [record.reply for record in page],
        "first_id": page[0].id if page else None,
        "last_id": page[-1].id if page else None,
        "has_more": len(found) > limit,
    }


@router.get("/v1/chat/completions/{completion_id}")
def get_completion(completion_id: str, parts: PartsDep, caller: CallerDep) -> dict[str, Any]:
    """One completion, with every attempt, candidate and verdict under `plumbline.log`."""
    record = parts.log.completion(completion_id, access=caller.access)
    if record.decision == "error":
        raise NotFound(f"The turn {completion_id!r} failed and has no completion.", param="id")
    reply = dict(record.reply)
    reply["plumbline"] = reply["plumbline"] | {"log": _logged(record)}
    return reply


@router.get("/v1/chat/completions/{completion_id}/messages")
def get_messages(completion_id: str, parts: PartsDep, caller: CallerDep) -> dict[str, Any]:
    """The messages of the request."""
    record = parts.log.completion(completion_id, access=caller.access)
    messages = record.request["messages"]
    data = [{"id": f"{completion_id}-{i}", **m} for i, m in enumerate(messages)]
    ids = [message["id"] for message in data]
    return {
        "object": "list",
        "data": data,
        "first_id": ids[0],
        "last_id": ids[-1],
        "has_more": False,
    }


def _logged(record: CompletionRecord) -> dict[str, Any]:
    return {
        "person": record.person,
        "review": record.review,
        "rubric_version": record.rubric_version,
        "judge_version": record.judge_version,
        "index_version": record.index_version,
        "settings_version": record.settings_version,
        "seconds": record.seconds,
        "candidates": [
            {
                "id": c.id,
                "choice": c.choice,
                "attempt": c.attempt,
                "served": c.served,
                "text": c.text,
                "verdict": c.judgement,
            }
            for c in record.candidates
        ],
    }
