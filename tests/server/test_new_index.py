"""A new index comes into service while questions are being answered, and none of them fails."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import httpx

from contract.settings import RetrievalSettings
from ingest.build import Ingest
from tests.conftest import ROOT, free_port, wait_until_healthy
from text.encoder import Encoder

IN_FLIGHT = 8


def test_an_ingest_drops_no_request(tmp_path: Path, encoder: Encoder) -> None:
    documents, index = tmp_path / "documents", tmp_path / "data" / "index"
    documents.mkdir()
    (documents / "lunch.md").write_text("# Lunch\n\nLunch in the canteen costs four euros.\n")
    Ingest(index, encoder, RetrievalSettings()).run([documents], "default")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [sys.executable, "-m", "plumbline", "serve", "--port", str(port)]
        + ["--data-dir", str(tmp_path / "data")],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    body = {
        "model": "plumbline",
        "messages": [{"role": "user", "content": "What does lunch cost?"}],
    }
    results: list[int | str] = []
    over = threading.Event()

    def ask_on() -> None:
        with httpx.Client(timeout=120) as client:
            while not over.is_set():
                try:
                    results.append(client.post(f"{url}/v1/chat/completions", json=body).status_code)
                except httpx.HTTPError as error:
                    results.append(repr(error))

    threads = [threading.Thread(target=ask_on) for _ in range(IN_FLIGHT)]
    try:
        wait_until_healthy(f"{url}/healthz", server, lambda: server.communicate()[1], seconds=600)
        for thread in threads:
            thread.start()
        (documents / "badge.md").write_text(
            "# Badges\n\nA blue badge opens the door of the cellar.\n"
        )
        command = [sys.executable, "-m", "plumbline", "ingest", str(documents)]
        subprocess.run([*command, "--index", str(index)], cwd=ROOT, check=True)
        before = len(results)
        question = {"role": "user", "content": "Which badge opens the door of the cellar?"}
        found = httpx.post(
            f"{url}/v1/chat/completions", json=body | {"messages": [question]}, timeout=120
        ).json()
    finally:
        over.set()
        for thread in threads:
            if thread.ident:
                thread.join()
        server.terminate()
        server.communicate(timeout=60)
    assert before > IN_FLIGHT
    assert set(results) == {200}
    assert "door of the cellar" in found["choices"][0]["message"]["content"]
