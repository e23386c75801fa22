"""Plumbline with a real vLLM that it started itself: what the engine can do, and what if it dies.

One start serves all tests; the last one kills the engine.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from contract.errors import ConfigurationError, PolicyUnavailable
from contract.model_server import ModelServer
from contract.replicas import Replicas
from contract.settings import Settings
from feedback.log import Log
from plumbline import cli
from server.app import create_app
from server.engine.supervisor import Supervisor
from server.wiring import build
from tests.conftest import ask, listening
from tests.engine import adapter, chat_checkpoint, require_engine
from tests.server.engine.test_process import eventually

QUESTION = "How many days of parental leave do I get?"


@dataclass(frozen=True)
class Stack:
    """A whole Plumbline at `url`, the engine that it started, and two adapters more: one to swap in, one
    that says what it was trained on, to be promoted."""

    url: str
    engine: Supervisor
    data_dir: Path
    other_adapter: Path
    trained_adapter: Path

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.engine.key}"}

    @property
    def root(self) -> str:
        return self.engine.urls[0].removesuffix("/v1")

    def metric(self, name: str) -> float:
        lines = httpx.get(
            f"{self.root}/metrics", headers=self.headers, timeout=30
        ).text.splitlines()
        return sum(float(x.rsplit(" ", 1)[1]) for x in lines if x.startswith(f"vllm:{name}"))

    def policy(self, *arguments: str) -> dict[str, Any]:
        """`plumbline policy …`, past all gates."""
        command = ["policy", *arguments, "--url", self.url, "--data-dir", str(self.data_dir)]
        forced = ["--force", "--reason", "a random adapter"] if arguments[0] == "promote" else []
        result = CliRunner().invoke(cli, [*command, *forced, "--json"])
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def client(self) -> Replicas:
        servers = [ModelServer(url, api_key=self.engine.key) for url in self.engine.urls]
        return Replicas(servers, trouble=self.engine.trouble)

    def chat(self, content: str = QUESTION, **fields: Any) -> dict[str, Any]:
        """One completion of the engine, past Plumbline's judge."""

        async def talk() -> dict[str, Any]:
            client = self.client()
            try:
                return await client.chat(self.body(content, **fields))
            finally:
                await client.close()

        return asyncio.run(talk())

    def body(self, content: str = QUESTION, **fields: Any) -> dict[str, Any]:
        messages = [{"role": "user", "content": content}]
        defaults = {"model": self.engine.model, "max_tokens": 8, "temperature": 0}
        return {"messages": messages} | defaults | fields


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Iterator[Stack]:
    require_engine()
    folder = tmp_path_factory.mktemp("engine")
    checkpoint = chat_checkpoint(folder / "tiny", positions=16384)
    settings = Settings().replace(
        {
            "data_dir": folder / "data",
            "index_dir": data_dir / "index",
            "policy.engine": "vllm",
            "engine.device": "cpu",
            "engine.model": str(checkpoint),
            "engine.kv_cache_gib": 1,
            # A random model would fill a JSON answer with the blanks that are allowed there.
            "engine.args": (
                "--structured-outputs-config",
                '{"backend": "xgrammar", "disable_any_whitespace": true}',
            ),
            "engine.adapters": {"tone": adapter(folder / "tone", seed=1)},
        }
    )
    parts = build(settings)
    assert parts.engine is not None
    with listening(create_app(parts)) as url:
        other = adapter(folder / "other", seed=2)
        trained = adapter(folder / "polite" / "adapter", seed=3, base=checkpoint)
        yield Stack(url, parts.engine, folder / "data", other, trained)


def test_a_question_is_answered_by_the_engine(stack: Stack) -> None:
    assert httpx.get(f"{stack.url}/healthz", timeout=30).json() == {"status": "ok"}
    reply = ask(stack.url, QUESTION, max_tokens=16)
    assert reply["plumbline"]["policy_version"]
    assert [state.status for state in stack.engine.states] == ["ready"]


def test_nobody_without_the_key_uses_the_engine(stack: Stack) -> None:
    assert httpx.get(f"{stack.root}/health").status_code == 200
    for path in ("v1/models", "metrics"):
        assert httpx.get(f"{stack.root}/{path}").status_code == 401
    for path in ("v1/chat/completions", "invocations", "v1/load_lora_adapter", "tokenize"):
        assert httpx.post(f"{stack.root}/{path}", json=stack.body()).status_code == 401
    log = stack.engine._policies[0].log.read_text()
    assert stack.engine.key not in log


def test_several_choices(stack: Stack) -> None:
    reply = stack.chat(n=4, temperature=1.5, seed=7, max_tokens=12)
    texts = [choice["message"]["content"] for choice in reply["choices"]]
    assert len(texts) == 4
    assert len(set(texts)) > 1


def test_logprobs(stack: Stack) -> None:
    (choice,) = stack.chat(logprobs=True, top_logprobs=3)["choices"]
    for token in choice["logprobs"]["content"]:
        assert token["logprob"] == max(top["logprob"] for top in token["top_logprobs"]) <= 0
        assert len(token["top_logprobs"]) == 3


def test_a_stream_says_the_same_as_one_reply(stack: Stack) -> None:
    async def stream() -> list[dict[str, Any]]:
        client = stack.client()
        body = stack.body(stream_options={"include_usage": True})
        chunks = [chunk async for chunk in client.stream(body)]
        await client.close()
        return chunks

    *chunks, last = asyncio.run(stream())
    text = "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks)
    assert text == stack.chat()["choices"][0]["message"]["content"]
    assert len(chunks) > 3
    assert last["usage"]["completion_tokens"] == 8


def test_a_stream_that_is_closed_is_no_longer_generated(stack: Stack) -> None:
    before = stack.metric("generation_tokens_total")

    async def hang_up() -> None:
        client = stack.client()
        body = stack.body(max_tokens=12000, ignore_eos=True)
        async with aclosing(client.stream(body)) as chunks:
            async for chunk in chunks:
                if chunk["choices"] and chunk["choices"][0]["delta"].get("content"):
                    assert await asyncio.to_thread(stack.metric, "num_requests_running") == 1
                    break
        await client.close()

    asyncio.run(hang_up())
    eventually(lambda: stack.metric("num_requests_running") == 0, seconds=10)
    assert stack.metric("generation_tokens_total") - before < 6000


def test_structured_output_obeys_its_schema(stack: Stack) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"enum": ["Rome", "Oslo"]}, "days": {"enum": [27, 80]}},
        "required": ["city", "days"],
        "additionalProperties": False,
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "leave", "schema": schema}}
    (choice,) = stack.chat(max_tokens=200, response_format=wanted)["choices"]
    found = json.loads(choice["message"]["content"])
    assert found["city"] in ("Rome", "Oslo")
    assert found["days"] in (27, 80)


def test_a_repeated_prompt_comes_from_the_prefix_cache(stack: Stack) -> None:
    content = "Employees get 27 days of leave. " * 20

    def cached() -> int:
        return int(stack.chat(content)["usage"]["prompt_tokens_details"]["cached_tokens"])

    assert cached() < 128
    assert cached() >= 512


def test_adapters_are_loaded_swapped_and_unloaded_while_it_runs(stack: Stack) -> None:
    def likelihoods(model: str) -> list[float]:
        (choice,) = stack.chat(model=model, logprobs=True)["choices"]
        return [round(token["logprob"], 3) for token in choice["logprobs"]["content"]]

    adapters = stack.engine.adapters
    first = adapters.wanted["tone"]
    base, tone = likelihoods(stack.engine.model), likelihoods("tone")
    assert tone != base
    adapters.swap("tone", stack.other_adapter)
    swapped = likelihoods("tone")
    assert swapped not in (tone, base)
    adapters.load("second", stack.other_adapter)
    assert likelihoods("second") == pytest.approx(swapped, abs=2e-3)
    with pytest.raises(ConfigurationError, match="second"):
        adapters.load("second", first)
    adapters.unload("second")
    with pytest.raises(PolicyUnavailable, match="404"):
        likelihoods("second")
    adapters.swap("tone", first)
    assert likelihoods("tone") == pytest.approx(tone, abs=2e-3)
    adapters.swap("tone", stack.other_adapter)


def test_a_version_is_promoted_under_load_and_rolled_back_and_nothing_is_dropped(
    stack: Stack,
) -> None:
    answered: list[tuple[str, str]] = []
    stopping = threading.Event()

    def keep_asking(user: str) -> None:
        while not stopping.is_set():
            reply = ask(stack.url, QUESTION, max_tokens=8, user=user)
            answered.append((reply["id"], reply["plumbline"]["policy_version"]))

    def versions() -> set[str]:
        before = len(answered)
        eventually(lambda: len(answered) >= before + 12, seconds=60)
        return {version for _, version in answered[before + 4 :]}

    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(keep_asking, f"user-{number}") for number in range(4)]
        try:
            assert versions() == {"tiny"}
            promoted = stack.policy("promote", str(stack.trained_adapter.parent), "--share", "100")
            (version,) = versions()
            assert promoted["service"] == version
            assert version.startswith("polite-")
            rolled_back = stack.policy("rollback")
            assert versions() == {"tiny"}
        finally:
            stopping.set()
        for one in asking:
            one.result(timeout=60)
    assert [entry["what"] for entry in rolled_back["history"]] == ["promote", "rollback"]
    assert "evaluation: there is none" in rolled_back["history"][0]["forced"][0]
    with closing(Log(stack.data_dir / "log.sqlite")) as log:
        for completion, version in answered:
            assert log.completion(completion).policy_version == version
    pinned = ask(stack.url, QUESTION, max_tokens=8, plumbline={"policy": "base"})
    assert pinned["plumbline"]["policy_version"] == "tiny"


def test_an_engine_killed_in_the_middle_of_a_stream_comes_back(stack: Stack) -> None:
    promoted = stack.policy("promote", str(stack.trained_adapter.parent), "--share", "100")
    keeper = stack.engine.states[0].pid
    (server,) = Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split()

    async def be_cut_off() -> None:
        client = stack.client()
        got = 0
        try:
            async for _ in client.stream(stack.body(max_tokens=12000, ignore_eos=True)):
                got += 1
                if got == 5:
                    os.kill(int(server), signal.SIGKILL)
        finally:
            assert got >= 5
            await client.close()

    with pytest.raises(PolicyUnavailable, match="broke off in the middle"):
        asyncio.run(be_cut_off())
    eventually(lambda: stack.engine.states[0].status == "restarting")
    refused = httpx.post(f"{stack.url}/v1/chat/completions", json=stack.body(model="plumbline"))
    assert refused.status_code == 503
    assert "restarting" in refused.json()["error"]["message"]
    health = httpx.get(f"{stack.url}/healthz", timeout=30)
    assert health.status_code == 503
    assert "restarting" in health.json()["problems"]["policy"]

    eventually(lambda: stack.engine.states[0].trouble is None, seconds=400)
    assert stack.engine.states[0].deaths == 1
    eventually(lambda: httpx.get(f"{stack.url}/healthz", timeout=30).status_code == 200)
    reply = ask(stack.url, QUESTION, max_tokens=16)
    assert reply["plumbline"]["policy_version"] == promoted["service"]
    assert stack.chat(model="tone")["choices"]
