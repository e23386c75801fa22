"""Several server processes behind one port."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.conftest import ROOT, ask, free_port, wait_until_healthy

QUESTION = "How many days of parental leave do I get?"


@pytest.fixture(scope="module")
def server(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """Two processes with a log of their own: the address, and the id of their parent."""
    port = free_port()
    command = [sys.executable, "-m", "plumbline", "serve", "--port", str(port), "--workers", "2"]
    folder = tmp_path_factory.mktemp("workers")
    # Its own: a document comes into it, and others count those of the shared one.
    shutil.copytree(data_dir / "index", folder / "index")
    process = subprocess.Popen(
        [*command, "--data-dir", str(folder)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_healthy(f"{url}/healthz", process, lambda: process.communicate()[1])
        until(lambda: len(children(process.pid)) == 2)
        yield url, process.pid
    finally:
        process.terminate()
        process.communicate(timeout=60)
        assert process.returncode == 0


def children(parent: int) -> list[int]:
    """The server processes; what multiprocessing keeps beside them is none."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            fields = (path / "stat").read_text().rsplit(")", 1)[1].split()
            command = (path / "cmdline").read_bytes()
        except OSError:
            continue
        if int(fields[1]) == parent and b"spawn_main" in command:
            found.append(int(path.name))
    return found


def until(holds, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.1)


def test_all_processes_share_index_and_log_and_count_together(server: tuple[str, int]) -> None:
    url, _ = server
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: ask(url, QUESTION), range(24)))
    assert all("80 working days" in r["choices"][0]["message"]["content"] for r in replies)
    for reply in replies[::6]:
        # Each read opens a connection of its own, which either process may get.
        stored = httpx.get(f"{url}/v1/chat/completions/{reply['id']}")
        assert stored.status_code == 200
    counted = httpx.get(f"{url}/metrics").text
    assert 'route="/v1/chat/completions"' in counted


def test_an_upload_is_seen_whichever_process_is_asked(server: tuple[str, int]) -> None:
    url, _ = server
    text = b"The blue heron archive opens at a quarter past seven on Fridays."
    upload = httpx.post(f"{url}/v1/documents", files={"file": ("heron.txt", text)}, timeout=60)
    assert upload.status_code == 202
    path = f"{url}/v1/ingests/{upload.json()['id']}"
    until(lambda: httpx.get(path).json()["status"] == "done")
    assert {httpx.get(path).status_code for _ in range(8)} == {200}
    until(
        lambda: all(
            "quarter past seven"
            in ask(url, "When does the blue heron archive open?")["choices"][0]["message"][
                "content"
            ]
            for _ in range(4)
        )
    )


def test_a_process_that_dies_is_started_again(server: tuple[str, int]) -> None:
    url, parent = server
    # A process that ends right after its start would be taken for a broken one.
    time.sleep(max(0.0, 21 - _age(children(parent)[0])))
    before = set(children(parent))
    os.kill(min(before), signal.SIGKILL)
    until(lambda: len(set(children(parent)) - before) == 1)
    until(lambda: httpx.get(f"{url}/healthz", timeout=60).status_code == 200)
    assert ask(url, QUESTION)["plumbline"]["answered"] is True


def _age(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    return uptime - int(fields[19]) / os.sysconf("SC_CLK_TCK")
