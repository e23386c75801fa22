"""A disk that is full: every request says so, nothing acknowledged is lost, and room is all that it takes."""

from __future__ import annotations

import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest
import yaml

from tests.conftest import ROOT, free_port, serving, wait_until_healthy
from tests.scripted_policy import ScriptedPolicy

ANSWER = "Each employee gets 80 working days. They can be taken in one block. Ask the HR desk."
QUESTION = {"role": "user", "content": "How many days of parental leave do I get?"}
ON_TMPFS = ["unshare", "-Urm", "sh", "-c", 'mount -t tmpfs -o size=4m none "$0" && exec "$@"']


@dataclass
class Server:
    """`plumbline serve`, whose log lies in `data`; `told` are the ids that it has acknowledged."""

    url: str
    data: Path
    fill: Callable[[], None]
    make_room: Callable[[], None]
    told: list[str] = field(default_factory=list)

    def chat(self, **fields: Any) -> httpx.Response:
        body = {"model": "plumbline", "messages": [QUESTION]} | fields
        return httpx.post(f"{self.url}/v1/chat/completions", json=body, timeout=60)

    def windowed(self) -> httpx.Response:
        return self.chat(stream=True, plumbline={"stream_mode": "windowed"})

    def rate(self, completion_id: str) -> httpx.Response:
        body = {"id": completion_id, "type": "correction", "correction": "80 days. " * 500}
        return httpx.post(f"{self.url}/v1/feedback", json=body, timeout=60)

    def healthz(self) -> httpx.Response:
        return httpx.get(f"{self.url}/healthz", timeout=60)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the files hold while nothing is written; SQLite can't open them in another's root."""
        with TemporaryDirectory() as folder:
            for file in self.data.glob("log.sqlite*"):
                if not file.name.endswith("-shm"):
                    shutil.copy(file, folder)
            with closing(sqlite3.connect(Path(folder) / "log.sqlite")) as log:
                return log.execute(query).fetchall()


@pytest.fixture(params=["a limit of the process", "a small disk"])
def server(
    request: pytest.FixtureRequest, data_dir: Path, tmp_path: Path, policy: ScriptedPolicy
) -> Iterator[Server]:
    """A server whose disk can be filled: by the kernel's limit on what a process may write, or really."""
    policy.script(ANSWER)
    folder = tmp_path / "data"
    folder.mkdir()
    config = tmp_path / "settings.yaml"
    index = str(data_dir / "index")
    settings = {"data_dir": str(folder), "index_dir": index, "policy": {"url": policy.url}}
    config.write_text(yaml.safe_dump(settings))
    if request.param == "a limit of the process":
        # What it says would be limited as well, and is not kept.
        with serving(Path(os.devnull), "--config", str(config)) as (url, limited):
            yield _limited(url, limited.pid, folder)
        return
    _require_tmpfs(tmp_path)
    port = free_port()
    command = [*ON_TMPFS, str(folder), sys.executable, "-m", "plumbline", "serve"]
    command += ["--port", str(port), "--config", str(config)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_healthy(f"{url}/healthz", process, lambda: process.communicate()[1])
        yield _filled_up(url, process.pid, folder)
    finally:
        process.terminate()
        process.communicate(timeout=30)


def _require_tmpfs(folder: Path) -> None:
    probe = subprocess.run([*ON_TMPFS, str(folder), "true"], capture_output=True)
    if probe.returncode:
        pytest.skip("A disk of our own can't be mounted here (unshare -Urm); the limit is tested.")


def _limited(url: str, pid: int, folder: Path) -> Server:
    _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)

    def limit(size: int) -> None:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, most))

    return Server(url, folder, lambda: limit(0), lambda: limit(most))


def _filled_up(url: str, pid: int, folder: Path) -> Server:
    # The disk is mounted for this process only, and seen by others through its root.
    seen = Path(f"/proc/{pid}/root{folder}")
    filler = seen / "filler"

    def fill() -> None:
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(512))

    return Server(url, seen, fill, filler.unlink)


def _error(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 503, response.text
    error: dict[str, Any] = response.json()["error"]
    assert (error["type"], error["code"]) == ("server_error", "storage_failed")
    assert "The log can't be written" in error["message"]
    return error


def _takes_everything(server: Server) -> None:
    """A whole reply, both kinds of stream, and feedback are acknowledged."""
    whole = server.chat()
    assert whole.status_code == 200, whole.text
    server.told.append(whole.json()["id"])
    for stream in (server.chat(stream=True), server.windowed()):
        assert stream.text.endswith("data: [DONE]\n\n"), stream.text
        server.told.append(_events(stream)[0]["id"])
    rated = server.rate(whole.json()["id"])
    assert rated.status_code == 200, rated.text
    server.told.append(rated.json()["id"])


def _events(response: httpx.Response) -> list[dict[str, Any]]:
    lines = [line for line in response.text.splitlines() if line.startswith("data: {")]
    return [json.loads(line[6:]) for line in lines]


def test_a_full_disk_is_a_503_until_there_is_room_and_loses_nothing(server: Server) -> None:
    _takes_everything(server)

    server.fill()
    # What this stream let out before the disk was found full stands, but it does not end well.
    begun = _events(server.windowed())
    assert "80 working days" in "".join(e["choices"][0]["delta"]["content"] for e in begun[:-1])
    assert begun[-1]["error"]["code"] == "storage_failed"
    for answer in (server.chat(), server.chat(stream=True), server.windowed()):
        _error(answer)
    _error(server.rate(server.told[0]))
    health = server.healthz()
    assert (health.status_code, list(health.json()["problems"])) == (503, ["log"])

    server.make_room()
    assert server.healthz().status_code == 200
    _takes_everything(server)

    stored = {
        row[0] for row in server.rows("SELECT id FROM completion UNION SELECT id FROM feedback")
    }
    assert set(server.told) <= stored
    completions = server.rows("SELECT decision, count(*) FROM completion GROUP BY 1 ORDER BY 1")
    assert dict(completions)["serve"] == 6, "what was not acknowledged was stored all the same"
    assert server.rows("PRAGMA integrity_check") == [("ok",)]
    halves = "SELECT id FROM candidate WHERE completion_id NOT IN (SELECT id FROM completion)"
    assert server.rows(halves) == []
    shown = httpx.get(f"{server.url}/v1/chat/completions", timeout=60).json()["data"]
    assert {row["id"] for row in shown} == {i for i in server.told if i.startswith("chatcmpl-")}
