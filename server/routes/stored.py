"""OpenAI's stored completions, read back from the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from contract.errors import NotAllowed, NotFound, RequestRejected
from contract.stored import MetadataUpdate
from feedback.records import CompletionRecord
from server.callers import Caller
from server.parts import Parts
from server.routes.dependencies import CallerDep, PartsDep
from server.routes.pages import Limit, Order, PageQuery, page, part_of
from server.sight import owns, seen

router = APIRouter(tags=["stored completions"])

_QUERY = frozenset({"after", "limit", "order", "model"})
# What of the request OpenAI's stored completions show beside the reply.
_ASKED = (
    "temperature",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "seed",
    "tools",
    "tool_choice",
    "response_format",
)


@router.get("/v1/chat/completions")
def list_completions(
    http: Request,
    parts: PartsDep,
    caller: CallerDep,
    after: str = "",
    limit: Limit = 20,
    order: Order = "asc",
    model: str | None = None,
) -> dict[str, Any]:
    """Completions in the order of their time, or the newest first, as far as the caller may see all
    of their passages; with `metadata[key]=value` those that have all of these pairs. Turns that failed
    are in the log, not here; imported ones are shown where `model` names their source, `import:…`, to admins
    and to the key that they were imported for."""
    imported = model is not None and model.startswith("import:")
    turns = parts.log.completions(
        after=after,
        newest_first=order == "desc",
        failed=False,
        imports="only" if imported else "none",
        made_by=caller.name if imported and caller.role != "admin" else None,
        access=caller.access,
        model=model,
        metadata=_metadata_asked(http.query_params.multi_items()),
    )
    found = list(islice(turns, limit + 1))
    return page([_stored(record) for record in found[:limit]], has_more=len(found) > limit)


@router.get("/v1/chat/completions/{completion_id}")
def get_completion(completion_id: str, parts: PartsDep, caller: CallerDep) -> dict[str, Any]:
    """One completion, with every attempt, candidate and verdict under `plumbline.log`."""
    record = _record(completion_id, parts, caller)
    reply = _stored(record)
    reply["plumbline"] = reply["plumbline"] | {"log": _logged(record)}
    return reply


@router.post("/v1/chat/completions/{completion_id}")
async def update_completion(
    completion_id: str, body: MetadataUpdate, parts: PartsDep, caller: CallerDep
) -> dict[str, Any]:
    """Replace the metadata of a completion of one's own; an admin may of each."""
    _check_own(_record(completion_id, parts, caller), caller)
    await parts.log.set_metadata(completion_id, body.metadata or {})
    return _stored(_record(completion_id, parts, caller))


@router.delete("/v1/chat/completions/{completion_id}")
async def delete_completion(
    completion_id: str, parts: PartsDep, caller: CallerDep
) -> dict[str, Any]:
    """Delete a turn of one's own for good, with its candidates and the feedback on it; an admin may
    delete each that they may see, one that failed as well."""
    _check_own(seen(parts.log, completion_id, caller), caller)
    await parts.log.delete(completion_id, by=caller.name)
    return {"object": "chat.completion.deleted", "id": completion_id, "deleted": True}


@router.get("/v1/chat/completions/{completion_id}/messages")
def get_messages(
    completion_id: str,
    parts: PartsDep,
    caller: CallerDep,
    query: Annotated[PageQuery, Query()],
) -> dict[str, Any]:
    """The messages of the request, as they came."""
    messages = _record(completion_id, parts, caller).request["messages"]
    data = [{"id": f"{completion_id}-{i}", **m} for i, m in enumerate(messages)]
    return part_of(data, query, f"message in {completion_id!r}")


def _record(completion_id: str, parts: Parts, caller: Caller) -> CompletionRecord:
    record = seen(parts.log, completion_id, caller)
    if record.decision == "error":
        raise NotFound(f"The turn {completion_id!r} failed and has no completion.", param="id")
    return record


def _check_own(record: CompletionRecord, caller: Caller) -> None:
    if caller.role == "admin" or owns(record, caller):
        return
    raise NotAllowed(
        f"Only the key that made {record.id!r}, or an admin, may change or delete it; "
        + (f"you are {caller.name!r}." if caller.name else "you are anonymous.")
    )


def _metadata_asked(query: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    """The pairs of `metadata[key]=value`. A name that nobody knows would be a filter that is not
    applied, so it is refused."""
    pairs: dict[str, str] = {}
    for name, value in query:
        if name.startswith("metadata[") and name.endswith("]"):
            pairs[name.removeprefix("metadata[").removesuffix("]")] = value
        elif name not in _QUERY:
            raise RequestRejected(
                f"Unknown query parameter: '{name}'. There are after, limit, order, model and "
                "metadata[key].",
                code="unknown_parameter",
                param=name,
            )
    return pairs


def _stored(record: CompletionRecord) -> dict[str, Any]:
    asked = {name: record.request.get(name) for name in _ASKED}
    return (
        record.reply
        | asked
        | {"metadata": record.metadata or {}, "input_user": record.request.get("user")}
    )


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
