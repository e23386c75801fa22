"""How long one user waits for a warm answer of the embedded default, end to end over HTTP.

    python -m benchmarks.latency

Everything is on: retrieval, two candidates, the judge with all propositions and the reward model,
the durable log. The rival is the encoder alone on the same texts (the question, and the two
candidates), called in this process: what is above it is Plumbline's.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click
import httpx

from benchmarks.report import publish, table
from contract.settings import RetrievalSettings
from ingest.build import Ingest
from text.encoder import Encoder

ROOT = Path(__file__).parent.parent
PORT = 8719
URL = f"http://127.0.0.1:{PORT}"


def questions() -> list[dict[str, str]]:
    """The handbook questions."""
    path = ROOT / "benchmarks" / "cases" / "handbook_questions.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def ask(client: httpx.Client, question: str) -> dict[str, Any]:
    """One turn with its candidates shown."""
    body = {
        "model": "plumbline",
        "messages": [{"role": "user", "content": question}],
        "plumbline": {"show_candidates": True},
    }
    reply: dict[str, Any] = client.post("/v1/chat/completions", json=body).json()
    return reply


def measure() -> list[list[object]]:
    """One row for each language: p50 and p95 of the turn, p50 of the encoder alone, ratio.

    Each question is asked once, so that none is answered from what an earlier one left behind.
    """
    encoder = Encoder()
    rows: list[list[object]] = []
    with httpx.Client(base_url=URL, timeout=60) as client:
        for language in ("en", "zh"):
            asked = [q["question"] for q in questions() if q["language"] == language]
            for question in asked[:5]:
                ask(client, f"{question} {question}")
            turns, alone = [], []
            for question in asked:
                started = time.perf_counter()
                reply = ask(client, question)
                turns.append((time.perf_counter() - started) * 1000)
                texts = [c["content"] or "" for c in reply["plumbline"]["candidates"]]
                started = time.perf_counter()
                encoder.encode([question, *texts])
                alone.append((time.perf_counter() - started) * 1000)
            p50, bare = statistics.median(turns), statistics.median(alone)
            p95 = statistics.quantiles(turns, n=20)[-1]
            rows.append(
                [
                    language,
                    len(turns),
                    f"{p50:.0f}",
                    f"{p95:.0f}",
                    f"{bare:.0f}",
                    f"{p50 / bare:.2f}",
                ]
            )
    return rows


@click.command()
def main() -> None:
    """Start a server on the example handbook, ask every question, write the result."""
    with tempfile.TemporaryDirectory() as folder:
        run = Ingest(Path(folder) / "index", Encoder(), RetrievalSettings()).run
        run([ROOT / "examples" / "handbook"], "default")
        command = [sys.executable, "-m", "plumbline", "serve", "--port", str(PORT)]
        server = subprocess.Popen([*command, "--data-dir", folder], stderr=subprocess.DEVNULL)
        try:
            _wait()
            rows = measure()
        finally:
            server.terminate()
            server.wait()
    header = ["questions", "turns", "p50 ms", "p95 ms", "encoder alone p50 ms", "ratio"]
    publish("latency", "python -m benchmarks.latency", table(header, rows))


def _wait() -> None:
    for _ in range(300):
        try:
            if httpx.get(f"{URL}/healthz").status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise SystemExit("the server did not start")


if __name__ == "__main__":
    main()
