"""A real OpenAI-compatible server whose answers a test writes."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse


class ScriptedPolicy:
    """Answers come in the order in which the test queued them; the last one repeats.

    An answer is a string, or (status, body) for an error. `requests` holds every body received.
    `delay` is how long each answer takes; `delays` are those of the first ones.
    """

    def __init__(self) -> None:
        self.url = ""
        self.answers: list[str | tuple[int, dict[str, Any]]] = ["Nothing was scripted."]
        self.requests: list[dict[str, Any]] = []
        self.delay = 0.0
        self.delays: list[float] = []
        self.cancelled = 0
        self.app = FastAPI()
        self.app.post("/v1/chat/completions")(self._chat)
        self.app.get("/v1/models")(self._models)

    def script(self, *answers: str | tuple[int, dict[str, Any]]) -> None:
        self.answers = list(answers)

    async def _models(self) -> dict[str, Any]:
        return {"object": "list", "data": [{"id": "scripted", "max_model_len": 4096}]}

    async def _chat(self, request: Request) -> JSONResponse:
        body = await request.json()
        self.requests.append(body)
        delay = self.delays.pop(0) if self.delays else self.delay
        texts = [self._next() for _ in range(body.get("n", 1))]
        if delay:
            await asyncio.sleep(delay)
        failed = next((text for text in texts if isinstance(text, tuple)), None)
        if failed is not None:
            return JSONResponse(failed[1], status_code=failed[0])
        choices = [
            {"index": i, "message": {"role": "assistant", "content": t}, "finish_reason": "stop"}
            for i, t in enumerate(texts)
        ]
        usage = {"prompt_tokens": 100, "completion_tokens": 10 * len(texts), "total_tokens": 110}
        return JSONResponse({"id": "x", "model": "scripted", "choices": choices, "usage": usage})

    def _next(self) -> str | tuple[int, dict[str, Any]]:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
