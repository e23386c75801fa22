"""What many tests share: one encoder, one small index, and servers that really listen."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from benchmarks.forked import Forked, preload
from contract.settings import RetrievalSettings, ServerSettings, Settings
from ingest.build import Ingest
from rbrm.assembly import build_judge
from rbrm.judge import Judge
from server.app import create_app
from server.serving import server_config
from server.wiring import build
from tests.scripted_policy import ScriptedPolicy
from text.encoder import Encoder

ROOT = Path(__file__).parent.parent
HANDBOOK = ROOT / "examples" / "handbook"

# That servers start from nothing as well is proven where workers, a small disk and training are.
preload("tests.preload")

# Files that take a minute each: begun last, they would keep one process busy while the others have nothing to do.
_LONGEST_FIRST = (
    "test_flywheel.py",
    "test_resume.py",
    "test_models_on_vllm.py",
    "test_on_vllm.py",
    "test_remote.py",
    "test_documents.py",
    "test_workers.py",
    "test_trl.py",
    "test_kill.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first; the order of the others stays."""
    places = {name: place for place, name in enumerate(_LONGEST_FIRST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the developer's shell reaches a test."""
    for name in list(os.environ):
        if name.startswith("PLUMBLINE_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    return Encoder()


@pytest.fixture(scope="session")
def judge(encoder: Encoder) -> Judge:
    return build_judge(Settings().judge, encoder)


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory, encoder: Encoder) -> Path:
    """A data folder whose index holds the example handbook."""
    folder = tmp_path_factory.mktemp("data")
    Ingest(folder / "index", encoder, RetrievalSettings()).run([HANDBOOK], "default")
    return folder


@pytest.fixture(scope="session")
def secret_index(tmp_path_factory: pytest.TempPathFactory, encoder: Encoder) -> Path:
    """An index with one public document and one for `hr`."""
    folder = tmp_path_factory.mktemp("labelled")
    documents = folder / "documents"
    documents.mkdir()
    (documents / "salaries.md").write_text(
        "# Salaries\n\nThe salary of the managing director is 914,000 euros a year.\n"
    )
    (documents / "salaries.md.plumbline.yaml").write_text("labels: [hr]\n")
    (documents / "canteen.md").write_text(
        "# Canteen\n\nThe managing director eats in the canteen; lunch costs four euros.\n"
    )
    Ingest(folder / "index", encoder, RetrievalSettings()).run([documents], "default")
    return folder / "index"


@pytest.fixture(scope="session")
def server_url(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`plumbline serve` as a process of its own."""
    said = tmp_path_factory.mktemp("server") / "said"
    with serving(said, "--data-dir", str(data_dir)) as (url, process):
        yield url
        assert process.poll() is None, f"the server died: {process.said[-2000:]}"


@pytest.fixture
def policy() -> Iterator[ScriptedPolicy]:
    """An OpenAI-compatible server that answers what the test tells it to."""
    scripted = ScriptedPolicy()
    with listening(scripted.app) as url:
        scripted.url = f"{url}/v1"
        yield scripted


Serve = Callable[..., str]
Running = subprocess.Popen[Any] | Forked


@pytest.fixture
def serve(data_dir: Path, tmp_path: Path) -> Iterator[Serve]:
    """Start Plumbline in this process with given settings and a log of its own."""
    running: list[object] = []

    def start(**overrides: object) -> str:
        named = {name.replace("__", "."): value for name, value in overrides.items()}
        defaults = {"data_dir": tmp_path, "index_dir": data_dir / "index"}
        settings = Settings().replace(defaults | named)
        context = listening(create_app(build(settings)), settings.server)
        running.append(context)
        return context.__enter__()

    yield start
    for context in running:
        context.__exit__(None, None, None)  # type: ignore[attr-defined]


@contextmanager
def serving(output: Path, *arguments: str) -> Iterator[tuple[str, Forked]]:
    """`plumbline serve` with these arguments as a process that is ready; `output` takes what it says."""
    port = free_port()
    process = Forked(["serve", "--port", str(port), *arguments], output)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_healthy(f"{url}/healthz", process, lambda: process.said)
        yield url, process
    finally:
        process.terminate()
        try:
            process.wait(60)
        finally:
            process.kill()


@contextmanager
def listening(app: object, settings: ServerSettings | None = None) -> Iterator[str]:
    """Run an ASGI application on a free port of this machine, within the limits of some settings."""
    port = free_port()
    limits = (settings or ServerSettings()).model_copy(update={"port": port})
    config = server_config(app, limits, log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_healthy(
    url: str, process: Running, said: Callable[[], str], seconds: float = 120
) -> None:
    """Wait until `url` answers 200; `said` gives what the process wrote, should it end."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the server ended: {said()}"
        try:
            if httpx.get(url, timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise AssertionError(f"the server did not become healthy within {seconds} s")


def ask(url: str, question: str, **fields: object) -> dict:
    """One chat completion as JSON."""
    body = {"model": "plumbline", "messages": [{"role": "user", "content": question}]} | fields
    response = httpx.post(f"{url}/v1/chat/completions", json=body, timeout=60)
    assert response.status_code == 200, response.text
    return response.json()
