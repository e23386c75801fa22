"""`POST /v1/judge`: the judge by itself, with the same body and reply as `plumbline judge`."""

from __future__ import annotations

import orjson
from fastapi import APIRouter
from starlette.responses import Response

from contract.judge import JudgeRequest
from rbrm.lines import line_of, question_of
from server.routes.dependencies import PartsDep

router = APIRouter(tags=["judge"])


@router.post("/v1/judge")
async def judge(body: JudgeRequest, parts: PartsDep) -> Response:
    """Judge answers without serving any."""
    judgements = await parts.judge_texts(question_of(body), body.texts)
    return Response(orjson.dumps(line_of(body, judgements)), media_type="application/json")
