"""Beside what Plumbline is measured: bare pass-throughs, and other gateways in environments of their own."""

from __future__ import annotations

import asyncio
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path

import click
import yaml

from benchmarks.gateway.client import get
from benchmarks.gateway.engine import MODEL
from benchmarks.gateway.processes import Server, free_port, started
from benchmarks.gateway.targets import CHAT, Target, answering, plumbline

BARE, FLOOR = "bare pass-through", "FastAPI + aiohttp"
_TENSORZERO = """
import sys, time
from tensorzero import tensorzero
gateway = tensorzero._start_http_gateway(
    config_file=sys.argv[1], clickhouse_url=None, postgres_url=None, valkey_url=None, async_setup=False
)
open(sys.argv[2], "w").write(gateway.base_url)
while True:
    time.sleep(3600)
"""
_NEMO = """
import os, sys
os.environ["NEMO_GUARDRAILS_DISABLE_CHAT_UI"] = "true"
os.environ["NEMO_GUARDRAILS_IORAILS_ENGINE"] = "1"
import uvicorn
from nemoguardrails.server import api
api.app.rails_config_path = sys.argv[1]
api.app.disable_chat_ui = True
uvicorn.run(api.app, host="127.0.0.1", port=int(sys.argv[2]), log_level="warning")
"""


@asynccontextmanager
async def passing(
    settings: Path, engine_port: int, pythons: Mapping[str, str | None]
) -> AsyncIterator[list[Target]]:
    """Plumbline without retrieval and judge, the bare pass-throughs, and every gateway whose
    environment was given."""
    async with AsyncExitStack() as stack:
        targets = [await stack.enter_async_context(plumbline(settings))]
        for name, client in ((BARE, "httpx"), (FLOOR, "aiohttp")):
            targets.append(await stack.enter_async_context(bare(name, client, engine_port)))
        for name, launch in _PEERS.items():
            python = pythons.get(name)
            if python is None:
                click.echo(f"{name} is left out: no --{name}-python was given.", err=True)
                continue
            try:
                peer = launch(python, settings.parent, engine_port)
                targets.append(await stack.enter_async_context(peer))
            except RuntimeError as error:
                click.echo(f"{name} is left out: {error}", err=True)
        yield targets


def version_of(python: str, package: str) -> str:
    """The version of a package in another environment."""
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    return f"{package} {done.stdout.strip()}"


def bare(name: str, client: str, engine_port: int) -> AbstractAsyncContextManager[Target]:
    """A pass-through of benchmarks/gateway/bare.py."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.gateway.bare", "--port", str(port)]
    command += ["--engine-port", str(engine_port), "--client", client]
    return answering(name, command, port)


@asynccontextmanager
async def _litellm(python: str, folder: Path, engine_port: int) -> AsyncIterator[Target]:
    """LiteLLM's proxy, without a database; it refuses to start without a key."""
    key = f"sk-{secrets.token_hex(16)}"
    url = f"http://127.0.0.1:{engine_port}/v1"
    served = {"model": f"openai/{MODEL}", "api_base": url, "api_key": "any"}
    config = {
        "model_list": [{"model_name": MODEL, "litellm_params": served}],
        "litellm_settings": {"telemetry": False, "num_retries": 0},
        "general_settings": {"master_key": key},
    }
    file = folder / "litellm.yaml"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    port = free_port()
    command = ["env", "LITELLM_LOCAL_MODEL_COST_MAP=True", str(Path(python).parent / "litellm")]
    command += ["--config", str(file), "--host", "127.0.0.1", "--port", str(port)]
    async with answering("LiteLLM proxy", command, port, key=key) as target:
        yield target


@asynccontextmanager
async def _tensorzero(python: str, folder: Path, engine_port: int) -> AsyncIterator[Target]:
    """TensorZero's gateway out of its Python package, without a database; it chooses its port."""
    config = folder / "tensorzero.toml"
    provider = f'type = "openai"\nmodel_name = "{MODEL}"\napi_key_location = "none"\n'
    config.write_text(
        "[gateway]\nobservability.enabled = false\n"
        f'[models.{MODEL}]\nrouting = ["mock"]\n[models.{MODEL}.providers.mock]\n{provider}'
        f'api_base = "http://127.0.0.1:{engine_port}/v1/"\n'
    )
    address = folder / "tensorzero.url"
    script = folder / "tensorzero_gateway.py"
    script.write_text(_TENSORZERO)
    # Its own port is only known when it runs, so that readiness is asked of the engine at first.
    command = [python, str(script), str(config), str(address)]
    async with started("TensorZero", command, engine_port, get("/v1/models")) as server:
        for _ in range(100):
            if address.exists() and address.read_text():
                break
            await asyncio.sleep(0.1)
        else:
            raise RuntimeError("TensorZero gave no address")
        root, path = address.read_text().removeprefix("http://").split("/", 1)
        own = Server("TensorZero", int(root.split(":")[1]), server.process, server.log)
        body = {"model": f"tensorzero::model_name::{MODEL}"}
        yield Target("TensorZero", own, f"/{path.rstrip('/')}/chat/completions", body)


@asynccontextmanager
async def _nemo(python: str, folder: Path, engine_port: int) -> AsyncIterator[Target]:
    """NeMo Guardrails' server with its IORails engine and one regular expression on each side."""
    rails = folder / "rails" / "words"
    rails.mkdir(parents=True)
    parameters = {"base_url": f"http://127.0.0.1:{engine_port}/v1", "api_key": "any"}
    main = {"type": "main", "engine": "openai", "model": MODEL, "parameters": parameters}
    patterns = {"patterns": ["forbidden_[a-z]+"]}
    config = {
        "colang_version": "1.0",
        "models": [main],
        "rails": {
            "input": {"flows": ["regex check input"]},
            "output": {"flows": ["regex check output"], "streaming": {"enabled": True}},
            "config": {"regex_detection": {"input": patterns, "output": patterns}},
        },
    }
    (rails / "config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    port = free_port()
    command = [python, "-c", _NEMO, str(rails.parent), str(port)]
    body = {"guardrails": {"config_id": "words"}}
    async with answering("NeMo Guardrails, IORails", command, port, CHAT, body) as target:
        yield target


_PEERS = {"litellm": _litellm, "tensorzero": _tensorzero, "nemo": _nemo}
