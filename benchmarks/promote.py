"""How long a promotion takes under load, and whether a request is lost.

    python -m benchmarks.promote

`plumbline serve` starts a real vLLM with a tiny random checkpoint, and 8 requests are always in flight. In each
round a new adapter is promoted to 100 % by `plumbline policy promote`, answers, and is rolled back. Told are the
time from the request of the promotion to the first whole answer of the new version, the same from the start of
the command (Python's imports included), and every request that was not answered with a 200.
"""

from __future__ import annotations

import importlib
import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import click
import httpx
import yaml

from benchmarks.report import publish, table
from contract.settings import RetrievalSettings
from ingest.build import Ingest
from text.encoder import Encoder

ROOT = Path(__file__).parent.parent
IN_FLIGHT = 8
START_SECONDS = 900.0
ROUND_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Answer:
    """One request: when it began and ended, its status (0 without one), and the version that answered."""

    began: float
    ended: float
    status: int
    version: str


@dataclass(slots=True)
class Load:
    """Requests that follow each other in `IN_FLIGHT` lanes, each lane with users of its own."""

    url: str
    answers: list[Answer] = field(default_factory=list)
    _stopping: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Keep asking meanwhile."""
        with ThreadPoolExecutor(IN_FLIGHT) as pool:
            lanes = [pool.submit(self._ask, lane) for lane in range(IN_FLIGHT)]
            try:
                yield
            finally:
                self._stopping.set()
            for lane in lanes:
                lane.result()

    def _ask(self, lane: int) -> None:
        with httpx.Client(base_url=self.url, timeout=ROUND_SECONDS, trust_env=False) as client:
            for number in itertools.count():
                if self._stopping.is_set():
                    return
                began = time.monotonic()
                status, version = _one(client, f"user-{lane}-{number % 50}")
                self.answers.append(Answer(began, time.monotonic(), status, version))


@dataclass(frozen=True, slots=True)
class Round:
    """Seconds of one promotion and one rollback.

    Attributes:
        command, request: until the first answer of the new version, from the command's start and from the
            promotion's own time in the registry.
        late: answers of the version that began when its rollback was acknowledged.
    """

    command: float
    request: float
    rollback: float
    late: int


def _one(client: httpx.Client, user: str) -> tuple[int, str]:
    body = {
        "model": "plumbline",
        "messages": [{"role": "user", "content": "How many days of leave do I get?"}],
        "max_tokens": 16,
        "user": user,
    }
    try:
        reply = client.post("/v1/chat/completions", json=body)
    except httpx.HTTPError:
        return 0, ""
    version = reply.json()["plumbline"]["policy_version"] if reply.is_success else ""
    return reply.status_code, version


def measure(load: Load, data: Path, run: Path) -> Round:
    """Promote one adapter and take it back."""
    began, began_clock = time.monotonic(), time.time()
    done = _policy(
        load.url, data, "promote", str(run), "--share", "100", "--force", "--reason", "-"
    )
    version = done["service"]
    _wait(lambda: any(a.version == version for a in list(load.answers)))
    first = min(a.ended for a in load.answers if a.version == version)
    asked = _posted(done, began, began_clock)
    time.sleep(2)
    began_back = time.monotonic()
    _policy(load.url, data, "rollback")
    back = time.monotonic()
    _wait(lambda: sum(a.began > back for a in list(load.answers)) >= 4 * IN_FLIGHT)
    late = sum(a.version == version and a.began > back for a in load.answers)
    return Round(first - began, first - asked, back - began_back, late)


def _posted(done: dict[str, Any], began: float, began_clock: float) -> float:
    """When the server took the promotion up, by the monotonic clock: from there on adapters are loaded."""
    return began + (float(done["began"]) - began_clock)


def _policy(url: str, data: Path, *arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "plumbline", "policy", *arguments, "--json"]
    command += ["--url", url, "--data-dir", str(data)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if result.returncode:
        raise SystemExit(result.stderr)
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def _wait(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + ROUND_SECONDS
    while not there():
        if time.monotonic() > deadline:
            raise SystemExit("nothing came in time")
        time.sleep(0.01)


@contextmanager
def _serving(folder: Path, model: Path, workers: int, port: int) -> Iterator[str]:
    settings = {
        "engine": {"lora": True, "kv_cache_gib": 1, "device": "cpu"},
        "server": {"workers": workers},
    }
    (folder / "settings.yaml").write_text(yaml.safe_dump(settings))
    command = [
        sys.executable,
        "-m",
        "plumbline",
        "serve",
        "--engine",
        "vllm",
        "--model",
        str(model),
    ]
    command += ["--data-dir", str(folder), "--port", str(port)]
    command += ["--config", str(folder / "settings.yaml")]
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stderr=log, stdout=log)
    url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + START_SECONDS
    try:
        while True:
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit((folder / "serve.log").read_text()[-2000:])
            try:
                if httpx.get(f"{url}/healthz", timeout=30).status_code == httpx.codes.OK:
                    break
            except httpx.HTTPError:
                time.sleep(0.5)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=60)


def report(rounds: list[Round], answers: list[Answer], workers: int) -> str:
    """The table."""
    lost = sum(answer.status != httpx.codes.OK for answer in answers)
    seconds = answers[-1].ended - answers[0].began
    rows = [
        ("from the promotion's request to the first answer of the new version", "request"),
        ("from the start of `plumbline policy promote`, Python's imports included", "command"),
        ("`plumbline policy rollback`, Python's imports included", "rollback"),
    ]
    cells = [
        [told, f"{median(v):.2f}", f"{max(v):.2f}"]
        for told, name in rows
        for v in [[float(getattr(one, name)) for one in rounds]]
    ]
    return (
        f"{table(['seconds', 'median', 'longest'], cells)}\n\n"
        f"{len(rounds)} promotions and rollbacks, {workers} server process{'es' if workers > 1 else ''}, "
        f"{len(answers)} requests in {seconds:.0f} s with {IN_FLIGHT} in flight. Requests dropped: {lost}. "
        f"Load average of the machine: {os.getloadavg()[2]:.1f}. Answers of a version that began after its rollback was acknowledged: {sum(r.late for r in rounds)}."
    )


@click.command()
@click.option("--rounds", default=5, show_default=True)
@click.option("--workers", default=1, show_default=True)
@click.option("--port", default=8717, show_default=True)
@click.option("--write/--no-write", default=True)
def main(rounds: int, workers: int, port: int, write: bool) -> None:
    """Start everything, promote and roll back under load, write the result."""
    checkpoints = importlib.import_module("tests.engine")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        model = checkpoints.chat_checkpoint(folder / "tiny", positions=8192)
        runs = [checkpoints.adapter(folder / f"run-{n}", seed=n, base=model) for n in range(rounds)]
        handbook = [ROOT / "examples" / "handbook"]
        Ingest(folder / "index", Encoder(), RetrievalSettings()).run(handbook, "default")
        with _serving(folder, model, workers, port) as url:
            load = Load(url)
            with load.running():
                _wait(lambda: len(load.answers) >= 2 * IN_FLIGHT)
                found = [measure(load, folder, run) for run in runs]
    command = f"python -m benchmarks.promote --rounds {rounds} --workers {workers}"
    body = report(found, load.answers, workers)
    publish("promote", command, body, write=write and workers == 1)


if __name__ == "__main__":
    main()
