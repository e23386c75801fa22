"""A copy of the log, made while it is written to, is whole; what is damaged is noticed."""

from __future__ import annotations

import asyncio
import json
import resource
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from contract.errors import StorageFailed
from feedback.backup import backup
from feedback.log import Log
from feedback.migrations import MIGRATIONS
from plumbline import cli
from tests.conftest import ROOT, Serve, ask
from tests.feedback.test_log import completion, feedback, write

QUESTION = "How many days of parental leave do I get?"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["log", *map(str, arguments)])


def filled(folder: Path, turns: int = 40) -> Path:
    """A data folder whose log holds turns with feedback, closed."""
    log = Log(folder / "log.sqlite")
    records = [completion() for _ in range(turns)]
    write(log, *records, *(feedback(record.id, "rating", value=True) for record in records))
    log.close()
    return folder


@contextmanager
def asked_all_the_time(url: str) -> Iterator[list[str]]:
    """Clients that ask and rate until the end; the ids of what they were told is stored."""
    told: list[str] = []
    over = threading.Event()

    def client() -> None:
        while not over.is_set():
            reply = ask(url, QUESTION)
            told.append(reply["id"])
            body = {"id": reply["id"], "type": "rating", "value": True}
            told.append(httpx.post(f"{url}/v1/feedback", json=body).json()["id"])

    with ThreadPoolExecutor(3) as pool:
        clients = [pool.submit(client) for _ in range(3)]
        try:
            yield told
        finally:
            over.set()
    for one in clients:
        one.result()


def ids_in(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as copy:
        return {
            row[0]
            for table in ("completion", "feedback")
            for row in copy.execute(f"SELECT id FROM {table}")
        }


def test_every_row_acknowledged_before_the_backup_is_in_it(serve: Serve, tmp_path: Path) -> None:
    url = serve()
    out = tmp_path / "copy.sqlite"
    command = [sys.executable, "-m", "plumbline", "log", "backup", "--json"]
    command += ["--data-dir", str(tmp_path), "--out", str(out)]
    with asked_all_the_time(url) as told:
        while len(told) < 20:
            pass
        before = set(told)
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        after = set(told)
    assert done.returncode == 0, done.stderr
    assert before <= ids_in(out)
    assert len(after) > len(before), "nothing was written meanwhile"
    rows = json.loads(done.stdout)["rows"]
    assert rows["completion"] + rows["feedback"] == len(ids_in(out))
    # The copy is a log like any other, and every turn in it has all its candidates.
    copies = list(Log(out).completions())
    assert [len(record.candidates) for record in copies] == [2] * len(copies)


def test_a_backup_of_a_log_that_never_rests_is_one_state_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feedback.backup._PAGES", 8)
    path, out = filled(tmp_path, 400) / "log.sqlite", tmp_path / "copy.sqlite"
    steps: list[int] = []
    with closing(sqlite3.connect(path, isolation_level=None)) as other:

        def commit(stage: str, done: int, total: int) -> None:
            steps.append(done)
            assert len(steps) < 10_000, "it is begun anew for each commit"
            other.execute("UPDATE completion SET person = person || 'x'")

        contents = backup(path, out, commit)
        with closing(sqlite3.connect(out)) as copy:
            persons = copy.execute("SELECT DISTINCT person FROM completion").fetchall()
    assert contents.rows["completion"] == 400
    assert len(steps) > 10
    assert persons == [("unknown",)]


def test_a_backup_is_one_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    folder, out = filled(tmp_path), tmp_path / "copy.sqlite"
    result = run("backup", "--out", out, "--data-dir", folder)
    assert result.exit_code == 0, result.output
    assert "40 rows of completion" in result.output
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert [path.name for path in folder.glob("*copy*")] == ["copy.sqlite"]
    assert run("verify", out).exit_code == 0
    assert [path.name for path in folder.glob("*copy*")] == ["copy.sqlite"]


def test_a_file_that_is_there_is_replaced_only_by_force(tmp_path: Path) -> None:
    folder, out = filled(tmp_path), tmp_path / "copy.sqlite"
    out.write_text("dear")
    refused = run("backup", "--out", out, "--data-dir", folder)
    assert (refused.exit_code, out.read_text()) == (1, "dear")
    assert "--force" in refused.output
    assert run("backup", "--out", out, "--data-dir", folder, "--force").exit_code == 0
    assert len(ids_in(out)) == 80
    for mine in ("log.sqlite", "log.sqlite-wal"):
        itself = run("backup", "--out", folder / mine, "--data-dir", folder, "--force")
        assert (itself.exit_code, "belongs to the log" in itself.output) == (1, True)


def test_a_backup_that_finds_no_room_leaves_what_was_there(tmp_path: Path) -> None:
    folder, out = filled(tmp_path, 400), tmp_path / "copy.sqlite"
    out.write_text("dear")
    command = [sys.executable, "-B", "-m", "plumbline", "log", "backup", "--force"]
    done = subprocess.run(
        [*command, "--data-dir", str(folder), "--out", str(out)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)),
    )
    assert done.returncode == 1
    assert "can't be written" in done.stderr and "Traceback" not in done.stderr
    assert [path.name for path in folder.glob("*copy*")] == ["copy.sqlite"]
    assert out.read_text() == "dear"


def test_a_damaged_log_gives_no_backup(tmp_path: Path) -> None:
    path, out = filled(tmp_path, 400) / "log.sqlite", tmp_path / "copy.sqlite"
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096] = bytes(range(256)) * 16
    path.write_bytes(content)
    for result in (
        run("verify", "--data-dir", tmp_path),
        run("backup", "--out", out, "--data-dir", tmp_path),
    ):
        assert result.exit_code == 1
        assert "damaged" in result.output
    assert not out.exists()


def test_a_turn_that_is_half_there_is_noticed(tmp_path: Path) -> None:
    path = filled(tmp_path) / "log.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DELETE FROM completion WHERE id = (SELECT max(id) FROM completion)")
    result = run("verify", path)
    assert result.exit_code == 1
    assert "2 candidates without their turn" in result.output


def test_a_log_is_copied_as_it_is_before_an_upgrade(tmp_path: Path) -> None:
    path, out = tmp_path / "log.sqlite", tmp_path / "copy.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        MIGRATIONS[0](connection)
        connection.execute("PRAGMA user_version = 1")
    before = path.read_bytes()
    assert run("backup", "--out", out, "--data-dir", tmp_path).exit_code == 0
    assert path.read_bytes() == before
    assert "schema 1" in run("verify", out).output


@pytest.mark.parametrize("content", [None, b"", b"this is not SQLite" * 100])
def test_what_is_no_log_is_said_in_a_sentence(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "log.sqlite"
    if content is not None:
        path.write_bytes(content)
    for result in (
        run("verify", "--data-dir", tmp_path),
        run("backup", "--out", tmp_path / "copy", "--data-dir", tmp_path),
    ):
        assert result.exit_code == 1
        assert result.output.startswith("Error: ")
    assert not (tmp_path / "copy").exists()


def test_a_log_that_was_replaced_takes_no_rows(tmp_path: Path) -> None:
    path = filled(tmp_path) / "log.sqlite"
    log = Log(path)
    run("backup", "--out", tmp_path / "copy", "--data-dir", tmp_path)
    (tmp_path / "copy").replace(path)
    with pytest.raises(StorageFailed, match="Restart"):
        asyncio.run(log.write_completion(completion()))
    log.close()
