"""A real OpenAI-compatible server that loads adapters while it runs, as vLLM does, and answers their names."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from tests.scripted_policy import ScriptedPolicy


class AdapterServer(ScriptedPolicy):
    """`loaded` are its adapters; without `lora` it has no route to load them."""

    def reset(self) -> None:
        super().reset()
        self.loaded: dict[str, str] = {}
        self.lora = True
        self.refuses = ""

    def __init__(self) -> None:
        super().__init__()
        self.app.post("/v1/load_lora_adapter")(self._load)
        self.app.post("/v1/unload_lora_adapter")(self._unload)

    async def _models(self) -> dict[str, Any]:
        base = {"id": "scripted", "root": "/models/tiny", "parent": None, "max_model_len": 4096}
        adapters = [{"id": n, "root": p, "parent": "scripted"} for n, p in self.loaded.items()]
        return {"object": "list", "data": [base, *adapters]}

    async def _load(self, request: Request) -> Response:
        body = await request.json()
        if not self.lora:
            return JSONResponse({"detail": "Not Found"}, 404)
        if self.refuses or body["lora_name"] in self.loaded:
            return _error(400, self.refuses or "it is loaded already")
        self.loaded[body["lora_name"]] = body["lora_path"]
        return Response("Success")

    async def _unload(self, request: Request) -> Response:
        self.loaded.pop((await request.json())["lora_name"], None)
        return Response("Success")

    async def _chat(self, request: Request) -> Response:
        model = (await request.json())["model"]
        if model not in ("scripted", *self.loaded):
            return _error(404, f"The model {model} does not exist.")
        return await super()._chat(request)


def _error(status: int, message: str) -> Response:
    return JSONResponse({"error": {"message": message, "code": status}}, status)
