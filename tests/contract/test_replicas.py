"""Several small servers that really listen, and what becomes of requests when some of them fail."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, aclosing

import orjson
import pytest
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from contract.errors import PolicyTooSlow, PolicyUnavailable, RequestRejected
from contract.model_server import ModelServer
from contract.replicas import SLACK, Replicas
from tests.conftest import free_port, listening

pytestmark = pytest.mark.anyio

BODY = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}


class Server:
    """One replica that does as it is told."""

    def __init__(self) -> None:
        self.asked = 0
        self.status = 200
        self.slow = 0.0
        self.chunks = 3
        self.breaks = False
        self.url = ""
        self.app = FastAPI()
        self.app.get("/v1/models")(self._models)
        self.app.post("/v1/chat/completions")(self._chat)

    async def _models(self) -> Response:
        if self.status >= 500:
            return JSONResponse({"error": {"message": "ill"}}, self.status)
        return JSONResponse({"data": [{"id": "m"}]})

    async def _chat(self, request: Request) -> Response:
        self.asked += 1
        body = await request.json()
        await asyncio.sleep(self.slow)
        if self.status != 200:
            return JSONResponse({"error": {"message": "told so"}}, self.status)
        if body.get("stream"):
            return StreamingResponse(self._stream(), media_type="text/event-stream")
        return JSONResponse({"from": self.url})

    async def _stream(self) -> AsyncIterator[bytes]:
        for number in range(self.chunks):
            yield b"data: " + orjson.dumps({"from": self.url, "number": number}) + b"\n\n"
        if not self.breaks:
            yield b"data: [DONE]\n\n"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def servers() -> Iterator[list[Server]]:
    with ExitStack() as stack:
        made = [Server() for _ in range(3)]
        for server in made:
            server.url = stack.enter_context(listening(server.app)) + "/v1"
        yield made


def replicas(*urls: str, timeout_seconds: float = 5.0, **options: object) -> Replicas:
    made = [ModelServer(url, timeout_seconds=timeout_seconds) for url in urls]
    return Replicas(made, **({"health_seconds": 0.05} | options))  # type: ignore[arg-type]


async def eventually(true: object) -> None:
    async with asyncio.timeout(20):
        while not true():  # type: ignore[operator]
            await asyncio.sleep(0.02)


def unreachable() -> str:
    return f"http://127.0.0.1:{free_port()}/v1"


async def test_requests_go_to_the_replica_with_the_fewest_in_flight(
    servers: list[Server],
) -> None:
    servers[0].slow = 0.5
    several = replicas(*(server.url for server in servers[:2]))
    slow = asyncio.create_task(several.chat(BODY))
    await eventually(lambda: servers[0].asked == 1)
    assert [state.in_flight for state in several.states] == [1, 0]
    for _ in range(3):
        assert (await several.chat(BODY))["from"] == servers[1].url
    await slow
    assert [state.in_flight for state in several.states] == [0, 0]
    await several.close()


async def test_idle_replicas_take_turns(servers: list[Server]) -> None:
    several = replicas(*(server.url for server in servers))
    for _ in range(9):
        await several.chat(BODY)
    assert [server.asked for server in servers] == [3, 3, 3]
    await several.close()


async def test_the_same_key_goes_to_the_same_replica_unless_it_is_clearly_busier(
    servers: list[Server],
) -> None:
    several = replicas(*(server.url for server in servers))
    homes = {
        key: {(await several.chat(BODY, affinity=key))["from"] for _ in range(4)}
        for key in map(str, range(20))
    }
    assert all(len(home) == 1 for home in homes.values())
    assert {url for home in homes.values() for url in home} == {s.url for s in servers}
    home = next(server for server in servers if {server.url} == homes["0"])
    home.slow = 0.5
    busy = [asyncio.create_task(several.chat(BODY, affinity="0")) for _ in range(SLACK + 1)]
    await eventually(lambda: sum(state.in_flight for state in several.states) == SLACK + 1)
    assert (await several.chat(BODY, affinity="0"))["from"] != home.url
    await asyncio.gather(*busy)
    await several.close()


async def test_a_replica_that_is_gone_is_put_aside_and_its_request_answered_by_another(
    servers: list[Server],
) -> None:
    gone = unreachable()
    several = replicas(gone, servers[0].url)
    assert (await several.chat(BODY))["from"] == servers[0].url
    first, second = several.states
    assert not first.healthy
    assert gone in first.last_error
    assert second.healthy
    await several.close()


async def test_a_replica_that_answers_again_is_brought_back() -> None:
    server, port = Server(), free_port()
    url = f"http://127.0.0.1:{port}/v1"
    several = replicas(url)
    with pytest.raises(PolicyUnavailable):
        await several.chat(BODY)
    assert not several.states[0].healthy
    running = uvicorn.Server(uvicorn.Config(server.app, port=port, log_level="error"))
    thread = threading.Thread(target=running.run)
    thread.start()
    await eventually(lambda: several.states[0].healthy)
    assert await several.chat(BODY)
    await several.close()
    running.should_exit = True
    thread.join()


async def test_a_replica_that_breaks_again_and_again_is_put_aside_but_never_the_last_one(
    servers: list[Server],
) -> None:
    servers[0].status = servers[1].status = 500
    several = replicas(servers[0].url, servers[1].url, health_seconds=60)
    for _ in range(6):
        with pytest.raises(PolicyUnavailable):
            await several.chat(BODY)
    assert sorted(state.healthy for state in several.states) == [False, True]
    await several.close()


async def test_a_refused_request_is_sent_to_nobody_else(servers: list[Server]) -> None:
    servers[0].status = 400
    several = replicas(servers[0].url, servers[1].url)
    with pytest.raises(RequestRejected, match="told so"):
        await several.chat(BODY)
    assert servers[1].asked == 0
    assert all(state.healthy for state in several.states)
    await several.close()


async def test_a_slow_request_is_sent_to_nobody_else(servers: list[Server]) -> None:
    servers[0].slow = 5
    several = replicas(servers[0].url, servers[1].url, timeout_seconds=0.3)
    with pytest.raises(PolicyTooSlow):
        await several.chat(BODY)
    assert servers[1].asked == 0
    await several.close()


async def test_a_stream_is_retried_before_its_first_chunk_only(servers: list[Server]) -> None:
    several = replicas(unreachable(), servers[0].url)
    chunks = [chunk async for chunk in several.stream(BODY)]
    assert [chunk["number"] for chunk in chunks] == [0, 1, 2]
    servers[0].breaks = True
    got = []
    with pytest.raises(PolicyUnavailable, match="broke off in the middle"):
        async for chunk in several.stream(BODY):
            got.append(chunk)
    assert len(got) == 3
    assert servers[0].asked == 2
    await several.close()


async def test_a_stream_that_breaks_before_its_first_chunk_goes_to_another(
    servers: list[Server],
) -> None:
    servers[0].chunks, servers[0].breaks = 0, True
    several = replicas(servers[0].url, servers[1].url)
    chunks = [chunk async for chunk in several.stream(BODY)]
    assert {chunk["from"] for chunk in chunks} == {servers[1].url}
    await several.close()


async def test_a_stream_counts_as_in_flight_until_it_is_closed(servers: list[Server]) -> None:
    several = replicas(servers[0].url)
    async with aclosing(several.stream(BODY)) as chunks:
        await anext(chunks)
        assert several.states[0].in_flight == 1
    assert several.states[0].in_flight == 0
    await several.close()


async def test_where_all_are_down_the_error_names_all_and_comes_at_once() -> None:
    urls = [unreachable(), unreachable()]
    several = replicas(*urls, health_seconds=60)
    for _ in range(2):
        with pytest.raises(PolicyUnavailable) as raised:
            await several.chat(BODY)
        assert all(url in raised.value.message for url in urls)
    with pytest.raises(PolicyUnavailable):
        await several.models()
    await several.close()


async def test_a_replica_known_to_be_in_trouble_is_not_asked(servers: list[Server]) -> None:
    troubles = {servers[0].url: "The engine is restarting."}
    several = replicas(servers[0].url, servers[1].url, trouble=troubles.get)
    await several.chat(BODY)
    await several.chat(BODY)
    assert servers[0].asked == 0
    troubles[servers[1].url] = "The engine is down."
    with pytest.raises(PolicyUnavailable, match=r"restarting\. The engine is down"):
        await several.chat(BODY)
    troubles.clear()
    assert await several.models() == [{"id": "m"}]
    await several.close()
