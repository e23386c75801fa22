"""What is measured: each target is a server that is started for one run."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from benchmarks.gateway.client import get, post
from benchmarks.gateway.engine import MODEL, Script, save
from benchmarks.gateway.processes import LOAD_CORE, SERVER_CORE, Server, free_port, started

CHAT = "/v1/chat/completions"
PLUMBLINE = "Plumbline"
OFF = {"enabled": False}
QUESTION = (
    {
        "role": "system",
        "content": "You are a helpful assistant. Answer briefly and name your sources.",
    },
    {
        "role": "user",
        "content": "What does the service do with a request before the model server sees it? Please "
        "answer in about one hundred tokens.",
    },
)


@dataclass(frozen=True)
class Target:
    """A server that answers `path`; `body` is laid over every request, `streamed` over streaming ones."""

    name: str
    server: Server
    path: str = CHAT
    body: Mapping[str, Any] = field(default_factory=dict)
    streamed: Mapping[str, Any] = field(default_factory=dict)
    key: str | None = None

    def chat(self, *, seed: int = 0, messages: Sequence[Any] = QUESTION, **fields: Any) -> bytes:
        """The bytes of a chat request; the seed chooses the engine's script."""
        body = {
            "model": MODEL,
            "messages": messages,
            "temperature": 0.0,
            "max_tokens": 2048,
            "seed": seed,
            **self.body,
            **(self.streamed if fields.get("stream") else {}),
            **fields,
        }
        return post(self.path, body, self.key)


@asynccontextmanager
async def engine(scripts: Sequence[Script], folder: Path) -> AsyncIterator[Server]:
    """The mock model server, on the core of the load."""
    port = free_port()
    command = engine_command(scripts, folder, port)
    async with started("engine", command, port, get("/v1/models"), cores=LOAD_CORE) as server:
        yield server


def engine_command(scripts: Sequence[Script], folder: Path, port: int) -> list[str]:
    """What starts the mock model server."""
    file = folder / f"scripts-{port}.json"
    save(scripts, file)
    command = [sys.executable, "-m", "benchmarks.gateway.engine", "--port", str(port)]
    return [*command, "--scripts", str(file)]


def settings_file(folder: Path, engine_port: int, **sections: Any) -> Path:
    """A settings file for Plumbline in front of the engine."""
    policy = {
        "url": f"http://127.0.0.1:{engine_port}/v1",
        "model": MODEL,
        "context_tokens": 8192,
    }
    values = {"data_dir": str(folder), "policy": policy} | sections
    file = folder / "settings.yaml"
    file.write_text(yaml.safe_dump(values), encoding="utf-8")
    return file


@asynccontextmanager
async def plumbline(
    settings: Path,
    *,
    name: str = PLUMBLINE,
    module: str = "plumbline",
    arguments: Sequence[str] = (),
    cores: set[int] = SERVER_CORE,
) -> AsyncIterator[Target]:
    """`plumbline serve` with a settings file, or another module that serves the same."""
    port = free_port()
    command = [sys.executable, "-m", module, *(["serve"] if module == "plumbline" else [])]
    command += ["--config", str(settings), "--port", str(port), *arguments]
    if len(cores) == 1:
        command = ["env", "OMP_NUM_THREADS=1", *command]
    ready = post(CHAT, {"model": MODEL, "messages": QUESTION})
    async with started(name, command, port, ready, cores=cores) as server:
        yield Target(name, server, streamed={"plumbline": {"stream_mode": "windowed"}})


@asynccontextmanager
async def answering(
    name: str,
    command: Sequence[str],
    port: int,
    path: str = CHAT,
    body: Mapping[str, Any] | None = None,
    key: str | None = None,
) -> AsyncIterator[Target]:
    """A server on the first core, once it answers chat requests."""
    body = body or {}
    ready = post(path, {"model": MODEL, "messages": QUESTION} | dict(body), key)
    async with started(name, command, port, ready) as server:
        yield Target(name, server, path, body, key=key)
