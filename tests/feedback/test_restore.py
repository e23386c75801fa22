"""A copy takes the place of the log, and nothing of either is lost."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from feedback.log import Log
from plumbline import cli
from tests.feedback.test_backup import filled, run
from tests.feedback.test_log import completion, write


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of a log of 40 turns, which has gone on since."""
    out = tmp_path / "copy.sqlite"
    assert run("backup", "--out", out, "--data-dir", filled(tmp_path)).exit_code == 0
    log = Log(tmp_path / "log.sqlite")
    write(log, completion())
    log.close()
    return out


def turns(path: Path) -> int:
    log = Log(path)
    count = len(list(log.completions()))
    log.close()
    return count


def kept(folder: Path) -> Path:
    (path,) = folder.glob("log.sqlite.until-*")
    return path


def test_a_copy_is_restored_and_the_log_before_it_kept(tmp_path: Path, copy: Path) -> None:
    result = run("restore", copy, "--data-dir", tmp_path)
    assert result.exit_code == 0, result.output
    assert turns(tmp_path / "log.sqlite") == 40
    assert str(kept(tmp_path)) in result.output
    assert turns(kept(tmp_path)) == 41
    assert run("verify", copy).exit_code == 0


def test_what_a_killed_server_left_beside_the_log_does_not_reach_the_copy(
    tmp_path: Path, copy: Path
) -> None:
    path = tmp_path / "log.sqlite"
    log = Log(path)
    write(log, *(completion() for _ in range(5)))
    files = {file: file.read_bytes() for file in tmp_path.glob("log.sqlite*")}
    log.close()
    for file, content in files.items():
        file.write_bytes(content)
    assert (tmp_path / "log.sqlite-wal").stat().st_size > 0
    assert run("restore", copy, "--data-dir", tmp_path).exit_code == 0
    assert run("verify", "--data-dir", tmp_path).exit_code == 0
    assert (turns(path), turns(kept(tmp_path))) == (40, 46)


def test_a_damaged_log_is_replaced(tmp_path: Path, copy: Path) -> None:
    path = tmp_path / "log.sqlite"
    path.write_bytes(b"no log" * 1000)
    (tmp_path / "log.sqlite-wal").write_bytes(b"no write-ahead log")
    assert run("restore", copy, "--data-dir", tmp_path).exit_code == 0
    assert turns(path) == 40
    assert kept(tmp_path).read_bytes() == b"no log" * 1000
    assert not (tmp_path / "log.sqlite-wal").exists()


def test_a_log_is_restored_where_there_is_none(tmp_path: Path, copy: Path) -> None:
    assert run("restore", copy, "--data-dir", tmp_path / "new").exit_code == 0
    assert turns(tmp_path / "new" / "log.sqlite") == 40


def test_a_log_in_use_is_left_alone(tmp_path: Path, copy: Path) -> None:
    log = Log(tmp_path / "log.sqlite")
    result = run("restore", copy, "--data-dir", tmp_path)
    assert (result.exit_code, "in use" in result.output) == (1, True)
    write(log, completion())
    log.close()
    assert turns(tmp_path / "log.sqlite") == 42


def test_what_is_no_whole_copy_is_not_restored(tmp_path: Path, copy: Path) -> None:
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        connection.execute("PRAGMA user_version = 99")
    (tmp_path / "text").write_text("no log" * 1000)
    for file in (copy, tmp_path / "text", tmp_path / "none", tmp_path / "log.sqlite"):
        result = run("restore", file, "--data-dir", tmp_path)
        assert (result.exit_code, result.output.startswith("Error: ")) == (1, True)
    assert turns(tmp_path / "log.sqlite") == 41


def test_who_was_forgotten_since_does_not_come_back_unseen(tmp_path: Path, copy: Path) -> None:
    ann = completion(person="ann")
    log = Log(tmp_path / "log.sqlite")
    write(log, ann)
    log.close()
    place = ["--data-dir", str(tmp_path)]
    assert CliRunner().invoke(cli, ["forget", "--user", "ann", "--yes", *place]).exit_code == 0
    refused = run("restore", copy, *place)
    assert refused.exit_code == 1
    assert "forgotten 1 times since" in refused.output
    assert turns(tmp_path / "log.sqlite") == 41
    assert run("restore", copy, "--although-forgotten", *place).exit_code == 0
    assert turns(tmp_path / "log.sqlite") == 40
