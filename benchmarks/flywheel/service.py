"""A really started Plumbline with a vLLM of its own, asked and told through its public API only."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from benchmarks.flywheel.commands import plumbline
from benchmarks.flywheel.rater import Rater
from benchmarks.flywheel.rubric import write_rubric
from benchmarks.gateway.processes import ROOT, free_port, stop
from contract.progress import Progress

_START_SECONDS = 900.0
_AT_ONCE = 8
_SERVE = (sys.executable, "-m", "plumbline", "serve")


@dataclass(frozen=True, slots=True)
class Answered:
    """One question that was answered, with the candidates that may be shown by their ids."""

    id: str
    question: str
    text: str
    policy_version: str
    candidates: dict[str, str]


class Service:
    """The server, and the settings that every command of the round shares with it."""

    def __init__(self, url: str, config: Path, data: Path) -> None:
        self.url = url
        self.config = config
        self.data = data
        self._client = httpx.Client(base_url=url, timeout=300, trust_env=False)

    def ask(
        self, questions: Sequence[tuple[str, str]], progress: Progress, *, candidates: int = 1
    ) -> list[Answered]:
        """Ask as (person, question), several at once; the answers in the order of the questions."""
        done: list[Answered] = []
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            asked = threads.map(lambda one: self._ask(one[0], one[1], candidates), questions)
            for answer in asked:
                done.append(answer)
                progress("asking", len(done), len(questions))
        return done

    def rate(self, answered: Sequence[Answered], rater: Rater) -> int:
        """Have everything rated; how much was said."""
        said = [one for a in answered for one in rater.feedback(a.id, a.question, a.candidates)]
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            replies = threads.map(lambda one: self._client.post("/v1/feedback", json=one), said)
            for reply in replies:
                reply.raise_for_status()
        return len(said)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _ask(self, person: str, question: str, candidates: int) -> Answered:
        body: dict[str, Any] = {
            "model": "plumbline",
            "messages": [{"role": "user", "content": question}],
            "max_tokens": 80,
            "safety_identifier": person,
            "plumbline": {"candidates": candidates, "show_candidates": True},
        }
        reply = self._client.post("/v1/chat/completions", json=body).raise_for_status().json()
        shown = reply["plumbline"]["candidates"]
        return Answered(
            reply["id"],
            question,
            reply["choices"][0]["message"]["content"],
            reply["plumbline"]["policy_version"],
            {one["id"]: one["content"] for one in shown if one["content"]},
        )


@contextmanager
def serving(folder: Path, base: Path, documents: Path) -> Iterator[Service]:
    """Ingest the documents and serve them with the base policy, ready for adapters.

    Raises:
        RuntimeError: the server ended, or did not start; with the end of its log.
    """
    data, config, port = folder / "data", folder / "plumbline.yaml", free_port()
    write_rubric(folder / "rubric.yaml")
    settings = _settings(data, base, port, folder / "rubric.yaml")
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")
    plumbline("ingest", str(documents), "--index", str(data / "index"), "--config", str(config))
    log = folder / "server.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            # One thread for the judge: the engine needs the other core.
            ["env", "OMP_NUM_THREADS=1", *_SERVE, "--config", str(config)],
            stdout=output,
            stderr=output,
            cwd=ROOT,
        )
    service = Service(f"http://127.0.0.1:{port}", config, data)
    try:
        _wait(service, process, log)
        yield service
    finally:
        service.close()
        stop(process)


def _settings(data: Path, base: Path, port: int, rubric: Path) -> dict[str, Any]:
    """One attempt and plain sampling: the rater shall see the policy as it is."""
    return {
        "data_dir": str(data),
        "server": {"port": port},
        "policy": {"engine": "vllm", "temperature": 1.0, "top_p": 1.0},
        "engine": {"model": str(base), "lora": True, "kv_cache_gib": 1},
        "retrieval": {"k": 1},
        "judge": {"timeout_seconds": 60.0, "rubric": str(rubric)},
        "decision": {"attempts": 1},
    }


def _wait(service: Service, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{service.url}/healthz", timeout=10, trust_env=False).is_success:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.5)
    raise RuntimeError(f"the server did not start:\n{log.read_text('utf-8', 'replace')[-3000:]}")
