"""`GET /v1/rubric`: the rubric in force, so that a verdict can be read: what each proposition says and weighs."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from server.routes.dependencies import PartsDep

router = APIRouter(tags=["judge"])


@router.get("/v1/rubric")
async def rubric(parts: PartsDep) -> dict[str, Any]:
    """Its propositions in words, and the weights of each type of response; not how they are graded."""
    rules = parts.judge.rubric
    return {
        "object": "plumbline.rubric",
        "version": rules.fingerprint,
        "propositions": {
            name: {
                "wording": {"en": one.wording.en, "zh": one.wording.zh},
                "hard": one.hard,
                "threshold": one.threshold,
            }
            for name, one in rules.propositions.items()
        },
        "derived": dict(rules.derived),
        "response_types": {
            kind: {"weights": dict(rules_of.weights)}
            for kind, rules_of in rules.response_types.items()
        },
    }
