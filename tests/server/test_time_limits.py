"""Whoever is too slow, or one too many, is told or cut off; the others do not wait for them."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from contract.settings import ServerSettings
from feedback.log import Log
from tests.conftest import Serve, listening
from tests.scripted_policy import ScriptedPolicy

BODY = {"model": "plumbline", "messages": [{"role": "user", "content": "How long is the leave?"}]}
CHAT = "/v1/chat/completions"


def connected(url: str, *, small: bool = False) -> socket.socket:
    parts = urlsplit(url)
    assert parts.hostname and parts.port
    client = socket.socket()
    if small:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(20)
    client.connect((parts.hostname, parts.port))
    return client


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_request_that_takes_too_long_is_given_up_and_logged(
    serve: Serve, policy: ScriptedPolicy, tmp_path: Path
) -> None:
    policy.delay = 30
    url = serve(policy__url=policy.url, server__request_seconds=0.5)
    response = httpx.post(url + CHAT, json=BODY, timeout=20)
    assert response.status_code == 504
    assert response.json()["error"]["code"] == "timeout"
    assert response.headers["x-should-retry"] == "false"
    policy.delay = 0
    assert httpx.post(url + CHAT, json=BODY, timeout=20).status_code == 200
    first, second = Log(tmp_path / "log.sqlite").completions()
    assert (first.decision, first.reply["error"]["code"]) == ("error", "timeout")
    assert second.decision != "error"


def test_a_stream_that_takes_too_long_ends_with_an_error(
    serve: Serve, policy: ScriptedPolicy
) -> None:
    policy.delay = 30
    limits = {"server__request_seconds": 0.8, "server__keep_alive_seconds": 0.1}
    url = serve(policy__url=policy.url, **limits)
    response = httpx.post(url + CHAT, json=BODY | {"stream": True}, timeout=20)
    assert response.status_code == 200
    assert '"code":"timeout"' in response.text
    assert "[DONE]" not in response.text


def test_one_request_too_many_is_turned_away_at_once(serve: Serve, policy: ScriptedPolicy) -> None:
    policy.script("Leave is long [1].")
    policy.delay = 2
    url = serve(policy__url=policy.url, server__max_concurrent=2)
    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(httpx.post, url + CHAT, json=BODY, timeout=20) for _ in range(2)]
        until(lambda: len(policy.requests) == 2)
        refused = httpx.post(url + CHAT, json=BODY, timeout=20)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert refused.json()["error"]["code"] == "overloaded"
        assert httpx.get(f"{url}/livez").status_code == 200
        assert [f.result().status_code for f in running] == [200, 200]
    assert httpx.get(f"{url}/v1/models").status_code == 200
    assert 'plumbline_turned_away_total{code="overloaded"} 1.0' in httpx.get(f"{url}/metrics").text


@pytest.mark.parametrize("path", [CHAT, "/v1/documents"])
def test_a_body_that_does_not_come_is_not_waited_for(serve: Serve, path: str) -> None:
    url = serve(server__body_seconds=0.4)
    with connected(url) as client:
        form = b"content-type: multipart/form-data; boundary=x\r\n"
        head = b"POST %s HTTP/1.1\r\nhost: localhost\r\n%scontent-length: 100\r\n\r\n--x\r\n"
        client.sendall(head % (path.encode(), form))
        answer = b""
        while piece := client.recv(65536):  # until the server closes the connection
            answer += piece
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"body_timeout"' in answer
    assert httpx.get(f"{url}/livez").status_code == 200


def test_an_upload_may_be_slow_as_long_as_it_goes_on(serve: Serve) -> None:
    url = serve(server__body_seconds=0.6, server__request_seconds=0.5)

    def pieces():  # type: ignore[no-untyped-def]
        form = 'form-data; name="file"; filename="slow.md"'
        yield f"--x\r\ncontent-disposition: {form}\r\n\r\n# Slow\n\n".encode()
        for _ in range(8):
            time.sleep(0.2)
            yield b"One more line of it.\n"
        yield b"\r\n--x--\r\n"

    headers = {"content-type": "multipart/form-data; boundary=x"}
    response = httpx.post(f"{url}/v1/documents", content=pieces(), headers=headers, timeout=20)
    assert response.status_code == 202, response.text


@pytest.mark.parametrize("sent", [b"", b"GET /livez HTTP/1.1\r\nhost: loc", b"\r\n"])
def test_headers_that_do_not_end_are_not_waited_for(sent: bytes) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "lifespan"

    with (
        listening(app, ServerSettings(header_seconds=0.3)) as url,
        connected(url) as client,
    ):
        client.sendall(sent)
        with suppress(ConnectionResetError):
            assert client.recv(100) == b""


def test_headers_may_come_late_on_a_connection_that_has_served_before(serve: Serve) -> None:
    url = serve(server__header_seconds=0.5)
    get = b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n"
    with connected(url) as client:
        for _ in range(3):
            client.sendall(get)
            assert client.recv(65536).startswith(b"HTTP/1.1 200")
            time.sleep(0.7)
        client.sendall(get[:20])
        with suppress(ConnectionResetError):
            assert client.recv(65536) == b"", "but not halfway"


def test_a_client_that_does_not_read_is_cut_off_and_nobody_waits_for_it() -> None:
    ended = threading.Event()
    sent = 0

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal sent
        if scope["type"] == "lifespan":
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if scope["path"] == "/quick":
            await send({"type": "http.response.body", "body": b"quick"})
            return
        for _ in range(4000):
            await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
            sent += 1
        ended.set()

    with (
        listening(app, ServerSettings(write_seconds=3)) as url,
        connected(url, small=True) as client,
        httpx.Client(base_url=url) as other,
    ):
        assert other.get("/quick").text == "quick"
        client.sendall(b"GET /slow HTTP/1.1\r\nhost: localhost\r\n\r\n")
        until(lambda: sent > 0)
        assert other.get("/quick").text == "quick"
        assert not ended.is_set(), "the other one was answered while this one does not read"
        assert ended.wait(20), "the application was let go"
        received = 0
        with suppress(ConnectionResetError):
            while piece := client.recv(1 << 20):
                received += len(piece)
        assert received < 4000 * 65536
