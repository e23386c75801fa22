"""SIGTERM: what is in flight is finished and logged, nothing new is taken, and the exit code is 0."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import yaml

from benchmarks.forked import Forked
from feedback.log import Log
from tests.conftest import free_port, wait_until_healthy
from tests.scripted_policy import ScriptedPolicy

CHAT = "/v1/chat/completions"
BODY = {"model": "plumbline", "messages": [{"role": "user", "content": "How long is the leave?"}]}

Start = Callable[[float], tuple[Forked, str]]


@pytest.fixture
def start(data_dir: Path, tmp_path: Path, policy: ScriptedPolicy) -> Iterator[Start]:
    """Start `plumbline serve` in front of the scripted policy, with a time to drain."""
    processes: list[Forked] = []

    def start(drain_seconds: float) -> tuple[Forked, str]:
        config = tmp_path / "settings.yaml"
        server = {"drain_seconds": drain_seconds, "keep_alive_seconds": 0.2}
        settings = {
            "data_dir": str(tmp_path / "data"),
            "index_dir": str(data_dir / "index"),
            "policy": {"url": policy.url},
            "server": server,
            "telemetry": {"log_format": "json"},
        }
        config.write_text(yaml.safe_dump(settings))
        port = free_port()
        arguments = ["serve", "--port", str(port), "--config", str(config)]
        process = Forked(arguments, tmp_path / "said")
        processes.append(process)
        url = f"http://127.0.0.1:{port}"
        wait_until_healthy(f"{url}/healthz", process, lambda: process.said)
        return process, url

    yield start
    for process in processes:
        process.kill()
        process.wait()


@contextmanager
def asking(url: str, policy: ScriptedPolicy) -> Iterator[list[Callable[[], httpx.Response]]]:
    """A plain request and a stream that have reached the policy."""
    with ThreadPoolExecutor(2) as pool:
        bodies = (BODY, BODY | {"stream": True})
        futures = [pool.submit(httpx.post, url + CHAT, json=body, timeout=60) for body in bodies]
        deadline = time.monotonic() + 30
        while len(policy.requests) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield [future.result for future in futures]


def test_what_is_in_flight_is_finished_and_nothing_new_is_taken(
    start: Start, policy: ScriptedPolicy, tmp_path: Path
) -> None:
    process, url = start(30)
    policy.script("Leave is long [1].")
    policy.delay = 2
    with asking(url, policy) as (plain, streamed):
        with httpx.Client(base_url=url) as client:
            assert client.get("/livez").status_code == 200
            process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            health = client.get("/healthz")
            assert (health.status_code, health.json()) == (503, {"status": "draining"})
            assert client.get("/livez").status_code == 200
            refused = client.post(CHAT, json=BODY)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert refused.headers["connection"] == "close"
        assert refused.json()["error"]["code"] == "server_stopping"
        assert plain().json()["choices"][0]["finish_reason"] == "stop"
        assert streamed().text.endswith("data: [DONE]\n\n")
    assert process.wait(30) == 0
    turns = list(Log(tmp_path / "data" / "log.sqlite").completions())
    assert len(turns) == 2
    assert all(turn.decision != "error" for turn in turns)


def test_what_takes_too_long_is_cut_short_and_logged(
    start: Start, policy: ScriptedPolicy, tmp_path: Path
) -> None:
    process, url = start(0.5)
    policy.delay = 60
    with asking(url, policy) as (plain, streamed):
        process.send_signal(signal.SIGTERM)
        assert plain().status_code == 503
        assert plain().json()["error"]["code"] == "server_stopping"
        assert '"code":"server_stopping"' in streamed().text
    assert process.wait(30) == 0
    turns = list(Log(tmp_path / "data" / "log.sqlite").completions())
    assert [turn.reply["error"]["code"] for turn in turns] == ["server_stopping"] * 2
    lines = [json.loads(line) for line in process.said.splitlines() if line.startswith("{")]
    ended = [line for line in lines if line.get("route") == CHAT]
    assert [line["error"] for line in ended] == ["server_stopping"] * 2
    assert not [line for line in lines if "exception" in line]


def test_a_second_signal_does_not_wait(start: Start, policy: ScriptedPolicy) -> None:
    process, url = start(60)
    policy.delay = 60
    with asking(url, policy) as (plain, _):
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert plain().status_code == 503
    assert process.wait(30) == 0
