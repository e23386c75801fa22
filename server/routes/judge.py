"""`POST /v1/judge`: the judge by itself, with the same body and reply as `plumbline judge`."""

from __future__ import annotations

import orjson
from fastapi import APIRouter
from starlette.responses import Response

from contract.judge import JudgeRequest
from rbrm.lines import judge_line, judge_timed_out
from server.routes.dependencies import PartsDep

router = APIRouter(tags=["judge"])


@router.post("/v1/judge")
async def judge(body: JudgeRequest, parts: PartsDep) -> Response:
    """Judge answers without serving any."""
    try:
        limit = parts.settings.judge.timeout_seconds
        line = await parts.compute(lambda: judge_line(parts.judge, body, limit), limit)
    except TimeoutError:
        line = judge_timed_out(body)
    return Response(orjson.dumps(line), media_type="application/json")
