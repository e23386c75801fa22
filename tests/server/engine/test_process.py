"""A real process that dies in every way: seen, started again, and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contract.errors import ConfigurationError
from server.engine.command import Launch
from server.engine.deaths import Deaths, Patience
from server.engine.process import EngineProcess
from tests.conftest import ROOT, free_port

FAKE = Path(__file__).with_name("fake_engine.py")
SECRET = "key-of-the-engine"

Start = Callable[..., EngineProcess]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Start]:
    """Start fake engines; all are stopped at the end."""
    started: list[EngineProcess] = []

    def start(*ways: str, **options: object) -> EngineProcess:
        port = free_port()
        command = (sys.executable, str(FAKE), str(port), str(tmp_path), *ways)
        process = EngineProcess(
            Launch("fake", command, {}, port),
            {**os.environ, "VLLM_API_KEY": SECRET},
            tmp_path / "logs" / "fake.log",
            **options,  # type: ignore[arg-type]
        )
        started.append(process)
        process.start()
        return process

    yield start
    for process in started:
        process.stop()


def eventually(true: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not become true"
        time.sleep(0.05)


def lives(pid: int) -> bool:
    """Is there such a process, one that is not only waiting to be counted?"""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def pid_in(path: Path) -> int:
    eventually(lambda: path.exists() and path.read_text())
    return int(path.read_text())


def test_an_engine_that_is_ready_has_no_trouble_and_one_that_is_stopped_is_gone(
    engine: Start, tmp_path: Path
) -> None:
    process = engine("child")
    assert "starting" in str(process.trouble)
    process.wait_until_ready()
    assert process.trouble is None
    pids = [pid_in(tmp_path / "pid"), pid_in(tmp_path / "child")]
    process.stop()
    assert process.state.status == "stopped"
    eventually(lambda: not any(lives(pid) for pid in pids))
    assert "the engine starts" in process.log.read_text()


def test_a_death_at_start_says_what_the_engine_said_but_no_secret(engine: Start) -> None:
    process = engine("die-at-start")
    with pytest.raises(ConfigurationError, match="OSError: no such checkpoint") as raised:
        process.wait_until_ready()
    assert "did not start" in raised.value.message
    assert str(process.log) in raised.value.message
    assert SECRET not in raised.value.message
    assert process.state.status == "failed"
    assert "not started again" in str(process.trouble)


def test_an_engine_that_is_not_ready_in_time_is_ended(engine: Start, tmp_path: Path) -> None:
    (tmp_path / "unhealthy").touch()
    process = engine(patience=Patience(start_seconds=1))
    with pytest.raises(ConfigurationError, match="not ready after 1 seconds"):
        process.wait_until_ready()
    eventually(lambda: not lives(pid_in(tmp_path / "pid")))


@pytest.mark.parametrize("way", ["killed", "unhealthy"])
def test_an_engine_that_dies_or_breaks_is_started_again(
    engine: Start, tmp_path: Path, way: str
) -> None:
    prepared: list[int] = []
    process = engine(prepare=lambda: prepared.append(1))
    process.wait_until_ready()
    first = pid_in(tmp_path / "pid")
    if way == "killed":
        os.kill(first, signal.SIGKILL)
    else:
        (tmp_path / "unhealthy").touch()
    eventually(lambda: process.trouble is not None)
    assert "restarting" in str(process.trouble)
    (tmp_path / "unhealthy").unlink(missing_ok=True)
    eventually(lambda: process.trouble is None)
    assert pid_in(tmp_path / "pid") != first
    eventually(lambda: not lives(first))
    assert process.state.deaths == 1
    assert len(prepared) == 2


def test_an_engine_that_dies_too_often_is_given_up(engine: Start, tmp_path: Path) -> None:
    process = engine(patience=Patience(max_deaths=2))
    process.wait_until_ready()
    for death in (1, 2):
        eventually(lambda: process.trouble is None)
        os.kill(pid_in(tmp_path / "pid"), signal.SIGKILL)
        eventually(lambda number=death: process.state.deaths == number)
    eventually(lambda: process.state.status == "failed")
    assert str(process.log) in str(process.trouble)


def test_starts_are_further_and_further_apart_and_old_deaths_are_forgotten() -> None:
    deaths = Deaths(Patience(max_deaths=8, window_seconds=100))
    waits = []
    for now in range(7):
        deaths.note(now)
        waits.append(deaths.back_off)
    assert waits == [1, 2, 4, 8, 16, 30, 30]
    assert not deaths.too_many
    deaths.note(7)
    assert deaths.too_many
    deaths.note(500)
    assert (deaths.recent, deaths.in_all, deaths.back_off) == (1, 9, 1)


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM"])
def test_no_engine_outlives_a_plumbline_that_was_killed(tmp_path: Path, name: str) -> None:
    port = free_port()
    program = f"""
        import os, sys, time
        from pathlib import Path
        from server.engine.command import Launch
        from server.engine.process import EngineProcess
        command = (sys.executable, {str(FAKE)!r}, "{port}", {str(tmp_path)!r}, "child")
        launch = Launch("fake", command, {{}}, {port})
        process = EngineProcess(launch, os.environ, Path({str(tmp_path)!r}) / "fake.log")
        process.start()
        process.wait_until_ready()
        print("ready", flush=True)
        time.sleep(600)
    """
    owner = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert owner.stdout is not None
    assert owner.stdout.readline() == "ready\n"
    pids = [pid_in(tmp_path / "pid"), pid_in(tmp_path / "child")]
    assert all(lives(pid) for pid in pids)
    owner.send_signal(getattr(signal, name))
    owner.communicate()
    eventually(lambda: not any(lives(pid) for pid in pids))


def test_an_engine_whose_keeper_is_killed_is_ended_and_started_again(
    engine: Start, tmp_path: Path
) -> None:
    process = engine()
    process.wait_until_ready()
    first, keeper = pid_in(tmp_path / "pid"), process.state.pid
    assert keeper is not None
    os.kill(keeper, signal.SIGKILL)
    eventually(lambda: process.state.deaths == 1 and process.trouble is None)
    eventually(lambda: not lives(first))


def test_the_log_stays_within_its_bound(engine: Start) -> None:
    import httpx

    process = engine(log_bytes=10_000)
    process.wait_until_ready()
    for _ in range(120):
        httpx.get(f"{process.launch.url}/v1/models")
    older = process.log.with_name("fake.log.1")
    eventually(older.exists)
    assert process.log.stat().st_size <= 10_000
    assert older.stat().st_size <= 10_000
    assert process.log.parent.stat().st_mode & 0o077 == 0
