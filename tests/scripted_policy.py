"""A real OpenAI-compatible server whose answers a test writes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

Answer = str | dict[str, Any] | tuple[int, dict[str, Any]]


class ScriptedPolicy:
    """Answers come in the order in which the test queued them; the last one repeats.

    An answer is a string, a message, or (status, body) for an error. `requests` holds every body received.
    `delay` is how long each answer takes; `delays` are those of the first ones. A stream sends one
    character at a time, `pace` seconds apart, and breaks off after `dies_after` characters.
    """

    def __init__(self) -> None:
        self.url = ""
        self.reset()
        self.app = FastAPI()
        self.app.post("/v1/chat/completions")(self._chat)
        self.app.get("/v1/models")(self._models)

    def reset(self) -> None:
        """Forget everything, as if it were new."""
        self.answers: list[Answer] = ["Nothing was scripted."]
        self.requests: list[dict[str, Any]] = []
        self.delay = 0.0
        self.delays: list[float] = []
        self.pace = 0.0
        self.dies_after: int | None = None
        self.knows_n = True
        self.cancelled = 0
        self.streamed = 0
        self.context: int | None = 4096
        self.listed = 0

    def script(self, *answers: Answer) -> None:
        self.answers = list(answers)

    async def _models(self) -> dict[str, Any]:
        self.listed += 1
        return {"object": "list", "data": [{"id": "scripted", "max_model_len": self.context}]}

    async def _chat(self, request: Request) -> Response:
        body = await request.json()
        self.requests.append(body)
        delay = self.delays.pop(0) if self.delays else self.delay
        answers = [self._next() for _ in range(body.get("n", 1) if self.knows_n else 1)]
        if delay:
            await asyncio.sleep(delay)
        failed = next((answer for answer in answers if isinstance(answer, tuple)), None)
        if failed is not None:
            return JSONResponse(failed[1], status_code=failed[0])
        messages = [a if isinstance(a, dict) else {"content": a} for a in answers]
        if body.get("stream"):
            return StreamingResponse(self._stream(messages[0]), media_type="text/event-stream")
        choices = [
            {"index": i, "message": {"role": "assistant", **m}, "finish_reason": _finish(m)}
            for i, m in enumerate(messages)
        ]
        usage = {"prompt_tokens": 100, "completion_tokens": 10 * len(messages), "total_tokens": 110}
        return JSONResponse({"id": "x", "model": "scripted", "choices": choices, "usage": usage})

    async def _stream(self, message: dict[str, Any]) -> AsyncIterator[bytes]:
        try:
            for name in ("reasoning_content", "content"):
                for character in message.get(name) or "":
                    if self.streamed == self.dies_after:
                        raise ConnectionResetError("the engine died")
                    self.streamed += 1
                    yield _event({"delta": {name: character}, "finish_reason": None})
                    await asyncio.sleep(self.pace)
            for number, call in enumerate(message.get("tool_calls", ())):
                function = call["function"]
                opening = call | {"index": number, "function": function | {"arguments": ""}}
                yield _event({"delta": {"tool_calls": [opening]}, "finish_reason": None})
                for character in function["arguments"]:
                    part = {"index": number, "function": {"arguments": character}}
                    yield _event({"delta": {"tool_calls": [part]}, "finish_reason": None})
            yield _event({"delta": {}, "finish_reason": _finish(message)})
            usage = {"prompt_tokens": 100, "completion_tokens": 10}
            yield b"data: " + json.dumps({"choices": [], "usage": usage}).encode() + b"\n\n"
            yield b"data: [DONE]\n\n"
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

    def _next(self) -> Answer:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def _finish(message: dict[str, Any]) -> str:
    return "tool_calls" if message.get("tool_calls") else "stop"


def _event(choice: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps({"choices": [{"index": 0, **choice}]}).encode() + b"\n\n"
