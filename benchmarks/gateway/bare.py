"""The yardstick: a pass-through of some forty lines, which forwards bytes and looks at nothing.

    python -m benchmarks.gateway.bare --port 9002 --engine-port 9001 --client httpx

`httpx` is Plumbline's own client stack (httpx's API on aiohttp's transport), `aiohttp` is aiohttp by
itself. Both are FastAPI on uvicorn with uvloop and httptools.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import click
import httpx
import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from httpx_aiohttp import AiohttpTransport

_JSON = {"content-type": "application/json"}
_EVENTS = "text/event-stream"


def with_httpx(url: str) -> FastAPI:
    """FastAPI and httpx's API on aiohttp's transport."""
    client = httpx.AsyncClient(transport=AiohttpTransport(), timeout=60, trust_env=False)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await client.aclose()

    app = FastAPI(lifespan=lifespan)

    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> Response:
        body = await request.body()
        if b'"stream":true' not in body:
            reply = await client.post(url, content=body, headers=_JSON)
            return Response(reply.content, reply.status_code, media_type=_JSON["content-type"])

        async def stream() -> AsyncIterator[bytes]:
            async with client.stream("POST", url, content=body, headers=_JSON) as reply:
                async for data in reply.aiter_raw():
                    yield data

        return StreamingResponse(stream(), media_type=_EVENTS)

    return app


def with_aiohttp(url: str) -> FastAPI:
    """FastAPI and aiohttp."""
    sessions: list[aiohttp.ClientSession] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:
            sessions.append(session)
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> Response:
        body = await request.body()
        if b'"stream":true' not in body:
            async with sessions[0].post(url, data=body, headers=_JSON) as reply:
                content = await reply.read()
            return Response(content, reply.status, media_type=_JSON["content-type"])

        async def stream() -> AsyncIterator[bytes]:
            async with sessions[0].post(url, data=body, headers=_JSON) as reply:
                async for data in reply.content.iter_any():
                    yield data

        return StreamingResponse(stream(), media_type=_EVENTS)

    return app


@click.command()
@click.option("--port", type=int, required=True)
@click.option("--engine-port", type=int, required=True)
@click.option("--client", type=click.Choice(["httpx", "aiohttp"]), required=True)
def main(port: int, engine_port: int, client: str) -> None:
    """Serve until killed."""
    make = with_httpx if client == "httpx" else with_aiohttp
    app = make(f"http://127.0.0.1:{engine_port}/v1/chat/completions")
    uvicorn.run(
        app, port=port, loop="uvloop", http="httptools", access_log=False, log_level="warning"
    )


if __name__ == "__main__":
    main()
