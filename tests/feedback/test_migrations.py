"""A log of every earlier schema is brought up to date with all its rows, once, or left as it was."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from contract.access import PUBLIC, Access
from contract.errors import ConfigurationError, NotFound
from feedback.export import export
from feedback.log import Log
from feedback.migrations import MIGRATIONS
from feedback.options import KINDS, Options
from feedback.records import CompletionRecord
from tests.conftest import ROOT
from tests.feedback.old_log import BODIES, QUESTION, old_log
from tests.feedback.test_log import feedback, write

NEWEST = len(MIGRATIONS)


def schema_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        (number,) = connection.execute("PRAGMA user_version").fetchone()
    return int(number)


def content_of(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


@pytest.fixture(params=range(1, NEWEST + 1))
def schema(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def test_every_row_of_an_earlier_version_reads_back(tmp_path: Path, schema: int) -> None:
    path = tmp_path / "log.sqlite"
    ids = old_log(path, schema)
    log = Log(path)
    assert schema_of(path) == NEWEST
    turns = list(log.completions())
    assert [turn.id for turn in turns] == ids
    for turn in turns:
        _is_as_it_was(turn, schema)
    for identifier in ids:
        said = list(log.feedback(completion_id=identifier))
        assert [row.type for row in said] == [body["type"] for body in BODIES]
        assert {(row.rater, row.created) for row in said} == {("bob", 1767225700.0)}
        assert log.completion_of_candidate(f"{identifier}-1") == identifier
    assert log.counts()["completions"] == {"serve": 3}
    log.close()


def _is_as_it_was(turn: CompletionRecord, schema: int) -> None:
    assert (turn.created, turn.person, turn.decision) == (1767225600.5, "ann", "serve")
    assert turn.request == {"model": "plumbline", "messages": [QUESTION]}
    assert turn.passages == [{"document": "faq.md", "text": "Two years."}]
    assert (turn.answered, turn.review, turn.seconds) == (True, False, 0.25)
    assert turn.labels == ([["hr"]] if schema >= 2 else [])
    assert turn.made_by == ("key-of-ann" if schema >= 4 else "")
    assert [(c.text, c.served, c.reward) for c in turn.candidates] == [
        ("Two years.", True, 2.0),
        ("Three years.", False, 1.0),
    ]
    for candidate in turn.candidates:
        assert candidate.judgement == {"propositions": {}, "reward": 1.0}
        added = (candidate.tool_calls, candidate.reasoning, candidate.completion_tokens)
        assert added == (([{"id": "call-1"}], "It says so.", 12) if schema >= 3 else ([], "", None))


def test_an_earlier_log_keeps_its_secrets(tmp_path: Path, schema: int) -> None:
    path = tmp_path / "log.sqlite"
    ids = old_log(path, schema)
    log = Log(path)
    seen = [turn.id for turn in log.completions(access=PUBLIC)]
    assert seen == (ids if schema < 2 else [])
    assert [turn.id for turn in log.completions(access=Access(frozenset(["hr"])))] == ids
    log.close()


def test_an_earlier_log_is_written_on(tmp_path: Path, schema: int) -> None:
    path = tmp_path / "log.sqlite"
    ids = old_log(path, schema)
    log = Log(path)
    again = feedback(ids[0], "rating", value=False, idempotency_key=f"{ids[0]}-rating")
    new = feedback(ids[0], "rating", value=False)
    write(log, again, new)
    said = [row.id for row in log.feedback(completion_id=ids[0])]
    assert len(said) == len(BODIES) + 1
    assert new.id in said and again.id not in said
    log.close()


def test_an_earlier_log_is_exported(tmp_path: Path, schema: int) -> None:
    path = tmp_path / "log.sqlite"
    old_log(path, schema)
    log = Log(path)
    for kind in KINDS:
        counts = export(log, tmp_path / kind, Options(kind), lambda *_: None)
        assert sum(counts.rows.values()) > 0, kind
    log.close()


def test_a_turn_of_an_earlier_version_can_be_deleted(tmp_path: Path, schema: int) -> None:
    path = tmp_path / "log.sqlite"
    ids = old_log(path, schema)
    log = Log(path)

    asyncio.run(log.delete(ids[0], by="root"))
    with pytest.raises(NotFound):
        log.completion(ids[0])
    assert [turn.id for turn in log.completions()] == ids[1:]
    log.close()


class Stopped(BaseException):
    """Somebody ended the process."""


@pytest.mark.parametrize("broken", range(1, NEWEST + 1))
def test_a_step_that_breaks_off_leaves_the_schema_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: int
) -> None:
    path = tmp_path / "log.sqlite"
    ids = old_log(path, broken - 1, turns=0 if broken == 1 else 3)
    before = content_of(path)
    whole = MIGRATIONS[broken - 1]

    def half(connection: sqlite3.Connection) -> None:
        whole(connection)
        raise Stopped

    steps = (*MIGRATIONS[: broken - 1], half, *MIGRATIONS[broken:])
    with monkeypatch.context() as stopped:
        stopped.setattr("feedback.migrations.MIGRATIONS", steps)
        with pytest.raises(Stopped):
            Log(path)
    assert schema_of(path) == broken - 1
    assert content_of(path) == before
    log = Log(path)
    assert [turn.id for turn in log.completions()] == ids
    log.close()


KILLED_IN = """
import os, signal, sys
from pathlib import Path
import feedback.migrations as migrations
steps, number = list(migrations.MIGRATIONS), int(sys.argv[2])

def killed(connection):
    migrations_step(connection)
    os.kill(os.getpid(), signal.SIGKILL)

migrations_step = steps[number - 1]
steps[number - 1] = killed
migrations.MIGRATIONS = tuple(steps)
from feedback.log import Log
Log(Path(sys.argv[1]))
"""


@pytest.mark.parametrize("step", range(1, NEWEST + 1))
def test_a_process_killed_in_a_step_leaves_the_schema_before_it(tmp_path: Path, step: int) -> None:
    path = tmp_path / "log.sqlite"
    ids = old_log(path, 1) if step > 1 else []
    done = subprocess.run([sys.executable, "-c", KILLED_IN, str(path), str(step)], cwd=ROOT)
    assert done.returncode == -signal.SIGKILL
    assert schema_of(path) == step - 1
    log = Log(path)
    assert schema_of(path) == NEWEST
    assert [turn.id for turn in log.completions()] == ids
    log.close()


OPENED = """
import sys
from pathlib import Path
from feedback.log import Log
print("ready", flush=True)
sys.stdin.readline()
log = Log(Path(sys.argv[1]))
print(len(list(log.completions())))
log.close()
"""


@pytest.mark.parametrize("old", [0, 1])
def test_processes_that_open_it_at_the_same_time_bring_it_up_to_date_once(
    tmp_path: Path, old: int
) -> None:
    ids: list[str] = []
    for number in range(3):
        path = tmp_path / f"{number}.sqlite"
        ids = old_log(path, 1) if old else []
        command = [sys.executable, "-c", OPENED, str(path)]
        processes = [
            subprocess.Popen(
                command,
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(4)
        ]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in processes:
            said, complaint = process.communicate()
            assert (process.returncode, said.strip()) == (0, str(len(ids))), complaint
        assert schema_of(path) == NEWEST


@pytest.mark.parametrize("arguments", [["feedback", "stats"], ["log", "verify"]])
def test_a_log_of_a_newer_version_is_refused_in_a_sentence(
    tmp_path: Path, arguments: list[str]
) -> None:
    path = tmp_path / "log.sqlite"
    old_log(path, NEWEST)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA user_version = {NEWEST + 1}")
    before = content_of(path)
    with pytest.raises(ConfigurationError, match="Use a newer Plumbline"):
        Log(path)
    command = [sys.executable, "-m", "plumbline", *arguments, "--data-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ") and f"schema {NEWEST + 1}" in done.stderr
    assert content_of(path) == before
