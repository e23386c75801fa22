"""What is wrong before an engine starts is said in a sentence, and adapters come back after a death."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.errors import ConfigurationError
from contract.settings import Settings
from contract.verdict import Verdict
from rbrm.answer import Question
from server.engine.machine import Machine
from server.engine.supervisor import Supervisor
from server.wiring import build
from tests.server.engine.test_process import FAKE, eventually, pid_in

CPU = Machine((), 8)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    return folder


@pytest.fixture
def settings(tmp_path: Path, checkpoint: Path) -> Settings:
    """An environment whose Python starts the fake engine in vLLM's place."""
    python = tmp_path / "python"
    script = f"""#!{sys.executable}
import os, sys
given = sys.argv[1:]
port = given[given.index("--port") + 1]
command = [sys.executable, {str(FAKE)!r}, port, {str(tmp_path)!r}, *given[given.index("--way") + 1:]]
os.execv(sys.executable, command)
"""
    python.write_text(script)
    python.chmod(0o755)
    return Settings().replace(
        {
            "data_dir": tmp_path / "data",
            "policy.engine": "vllm",
            "engine.model": str(checkpoint),
            "engine.python": python,
            "engine.args": ("--way",),
        }
    )


@pytest.fixture
def running(settings: Settings, tmp_path: Path) -> Iterator[Supervisor]:
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text("{}")
    supervisor = Supervisor(settings.replace({"engine.adapters": {"tone": adapter}}), CPU)
    supervisor.start()
    yield supervisor
    supervisor.close()


def test_adapters_are_loaded_before_an_engine_is_ready_and_again_after_its_death(
    running: Supervisor, tmp_path: Path
) -> None:
    def posted() -> list[str]:
        return [line.split()[0] for line in (tmp_path / "posted").read_text().splitlines()]

    assert "starting" in str(running.trouble(running.urls[0]))
    running.wait_until_ready()
    assert running.trouble(running.urls[0]) is None
    assert posted() == ["/v1/load_lora_adapter", "/v1/chat/completions"]
    os.kill(pid_in(tmp_path / "pid"), signal.SIGKILL)
    eventually(lambda: len(posted()) == 4)
    assert posted()[2:] == posted()[:2]
    body = json.loads((tmp_path / "posted").read_text().splitlines()[2].split(" ", 1)[1])
    assert body["lora_name"] == "tone"
    assert Path(body["lora_path"]) == tmp_path / "adapter"


def test_the_key_is_not_on_the_command_line(running: Supervisor, tmp_path: Path) -> None:
    running.wait_until_ready()
    keeper = running.states[0].pid
    commands = Path(f"/proc/{keeper}/cmdline").read_bytes()
    commands += Path(f"/proc/{pid_in(tmp_path / 'pid')}/cmdline").read_bytes()
    assert running.key.encode() not in commands


def test_the_judge_asks_the_reward_model_that_is_served_here(
    settings: Settings, tmp_path: Path, checkpoint: Path
) -> None:
    changes = {
        "engine.device": "cpu",
        "engine.reward_model": str(checkpoint),
        "engine.reward_args": ("--way",),
    }
    parts = build(settings.replace(changes))
    try:
        assert parts.engine is not None
        assert [state.name for state in parts.engine.states] == ["policy", "reward"]
        assert any("/classify" in line for line in (tmp_path / "posted").read_text().splitlines())
        assert (tmp_path / "data" / "engine" / "reward.log").exists()
        (verdict,) = parts.judge.judge(Question("How many days?"), ["Eighty days."])
        assert isinstance(verdict, Verdict)
        assert verdict.rm == pytest.approx(0.5)
    finally:
        asyncio.run(parts.close())


def test_an_environment_without_vllm_says_how_to_make_one(settings: Settings) -> None:
    missing = settings.replace({"engine.python": "/nowhere/bin/python"})
    with pytest.raises(ConfigurationError, match="make engine"):
        Supervisor(missing, CPU)


def test_a_port_in_use_is_said_before_anything_starts(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=r"engine\.port"):
            Supervisor(settings.replace({"engine.port": port}), CPU)


def test_a_folder_that_is_no_adapter_is_said_before_anything_starts(
    settings: Settings, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match=r"adapter_config\.json"):
        Supervisor(settings.replace({"engine.adapters": {"tone": tmp_path}}), CPU)


def test_a_server_whose_engine_does_not_start_does_not_start_and_leaves_nothing(
    settings: Settings, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="OSError: no such checkpoint"):
        build(settings.replace({"engine.args": ("--way", "die-at-start")}))
    assert not Path(f"/proc/{pid_in(tmp_path / 'pid')}").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"policy.engine": "openai"}, "there is no URL"),
        ({"policy.engine": "vllm"}, "it has no model"),
        ({"policy.engine": "vllm", "policy.url": "http://a/v1"}, "unset policy.url"),
        ({"engine.reward_model": "org/reward"}, "set policy.engine to vllm"),
    ],
)
def test_settings_that_do_not_fit_together(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        build(Settings().replace(changes))
