"""Watching with a process of its own, as a user does it: files change, Ctrl-C ends it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contract.errors import ConfigurationError
from ingest.watch import watch
from tests.conftest import ROOT

# Each run says what it sees; a file `bad` breaks it, a file `busy` appears while it runs.
# A shell that starts the suite in the background hands on that SIGINT is ignored.
PROGRAM = """
import signal, sys, time
from pathlib import Path
from ingest.watch import watch

signal.signal(signal.SIGINT, signal.default_int_handler)
folder = Path(sys.argv[1])

def run():
    names = sorted(p.name for p in folder.iterdir() if p.name[0] != ".")
    print("run", *names, flush=True)
    if "bad" in names:
        raise ValueError("bad is there")
    if "busy" in names:
        (folder / "busy").rename(folder / "late")

paths = [Path(p) for p in sys.argv[3:]] or [folder]
watch(paths, run, seconds=0.3, poll=sys.argv[2] == "poll", ignore=[folder / "index"])
"""


@contextmanager
def watching(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder), *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.parametrize("how", ["events", "poll"])
def test_a_burst_of_changes_becomes_one_run(tmp_path: Path, how: str) -> None:
    (tmp_path / "a.md").write_text("a")
    with watching(tmp_path, how) as process:
        assert line(process) == "run a.md"
        for name in ("b.md", "c.md", "d.md"):
            (tmp_path / name).write_text(name)
        assert line(process) == "run a.md b.md c.md d.md"
        (tmp_path / "a.md").unlink()
        assert line(process) == "run b.md c.md d.md"


def test_a_failing_run_is_reported_and_tried_again_and_ctrl_c_ends_cleanly(tmp_path: Path) -> None:
    (tmp_path / "bad").write_text("x")
    with watching(tmp_path, "events") as process:
        assert line(process) == "run bad"
        (tmp_path / "bad").rename(tmp_path / "busy")
        assert line(process) == "run busy"
        assert line(process) == "run late", "what changes during a run brings another"
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)
        assert (process.returncode, output) == (0, "")
        assert "bad is there" in errors
        assert "Traceback" not in errors


def test_what_is_hidden_or_ignored_or_beside_a_watched_file_is_no_change(tmp_path: Path) -> None:
    watched = tmp_path / "a.md"
    watched.write_text("a")
    (tmp_path / "index").mkdir()
    with watching(tmp_path, "events") as process:
        assert line(process) == "run a.md index"
        (tmp_path / ".hidden").write_text("x")
        (tmp_path / "index" / "vectors").write_text("x")
        (tmp_path / "b.md").write_text("x")
        assert line(process) == "run a.md b.md index"
    with watching(tmp_path, "events", str(watched)) as process:
        assert line(process) == "run a.md b.md index"
        (tmp_path / "b.md").write_text("y")
        (tmp_path / "c.md").write_text("y")
        # An editor puts a new file in the place of the old one.
        (tmp_path / ".draft").write_text("new")
        (tmp_path / ".draft").rename(watched)
        assert line(process) == "run a.md b.md c.md index"
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30)[0] == "", "one run for the one file"


def test_a_path_that_does_not_exist_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="none"):
        watch([tmp_path / "none"], lambda: None, seconds=1, poll=False)
