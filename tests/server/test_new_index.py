"""A new index comes into service while questions are being answered, and none of them fails."""

from __future__ import annotations

import threading
from pathlib import Path

import httpx

from benchmarks.forked import Forked
from contract.settings import RetrievalSettings
from ingest.build import Ingest
from tests.conftest import serving
from text.encoder import Encoder

IN_FLIGHT = 8


def test_an_ingest_drops_no_request(tmp_path: Path, encoder: Encoder) -> None:
    documents, index = tmp_path / "documents", tmp_path / "data" / "index"
    documents.mkdir()
    (documents / "lunch.md").write_text("# Lunch\n\nLunch in the canteen costs four euros.\n")
    Ingest(index, encoder, RetrievalSettings()).run([documents], "default")
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
    with serving(tmp_path / "said", "--data-dir", str(tmp_path / "data")) as (url, _):
        for thread in threads:
            thread.start()
        try:
            (documents / "badge.md").write_text(
                "# Badges\n\nA blue badge opens the door of the cellar.\n"
            )
            ingest = Forked(["ingest", str(documents), "--index", str(index)], tmp_path / "ingest")
            assert ingest.wait(300) == 0, ingest.said
            before = len(results)
            question = {"role": "user", "content": "Which badge opens the door of the cellar?"}
            found = httpx.post(
                f"{url}/v1/chat/completions", json=body | {"messages": [question]}, timeout=120
            ).json()
        finally:
            over.set()
            for thread in threads:
                thread.join()
    assert before > IN_FLIGHT
    assert set(results) == {200}
    assert "door of the cellar" in found["choices"][0]["message"]["content"]
