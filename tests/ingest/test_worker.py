"""Files are read in processes of their own, and no file can stop the run."""

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ingest.worker import Readers, Reading, load_file

ROOT = Path(__file__).parents[2]


def children(parent: int) -> list[int]:
    path = Path(f"/proc/{parent}/task/{parent}/children")
    return [int(number) for number in path.read_text().split()]


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.fixture
def small(tmp_path: Path) -> list[Path]:
    return [write(tmp_path / f"{n}.txt", f"Rule {n}. 第{n}条。".encode()) for n in range(40)]


@pytest.fixture
def heavy(tmp_path: Path) -> Path:
    """A file that takes a while: a table of many rows."""
    return write(tmp_path / "heavy.csv", b"a,b\n" + b"one,two\n" * 3_000_000)


def read(*locations: Path, **bounds: float) -> list[Reading]:
    with Readers(**bounds) as readers:
        return list(readers.read(locations))


def test_files_come_back_in_order_with_the_hash_of_what_was_read(small: list[Path]) -> None:
    readings = read(*small)
    assert [r.location for r in readings] == small
    assert [r.sha256 for r in readings] == [
        hashlib.sha256(path.read_bytes()).hexdigest() for path in small
    ]
    assert readings[7].document == load_file(small[7]).document
    assert "第7条" in readings[7].document.text


def test_a_file_that_takes_too_long_is_stopped_and_the_rest_is_read(
    heavy: Path, small: list[Path]
) -> None:
    first, *others = read(heavy, *small, seconds=2.5)
    assert (first.status, first.document) == ("failed", None)
    assert first.reason == "Reading took longer than 2.5 s and was stopped."
    assert {r.status for r in others} == {"indexed"}


def test_a_file_that_needs_too_much_memory_says_so(heavy: Path, small: list[Path]) -> None:
    readings = read(*small[:3], heavy, *small[3:], memory_bytes=200 * 2**20)
    failed = [r for r in readings if r.status != "indexed"]
    assert [r.location for r in failed] == [heavy]
    assert failed[0].reason == "Reading it needed more than 0.195 GB of memory."


def test_a_crashed_parser_costs_its_file_only(heavy: Path, small: list[Path]) -> None:
    others_of_ours = set(children(os.getpid()))
    with Readers(workers=1, memory_bytes=16 * 2**30) as readers:
        readings = readers.read([heavy, *small])

        def crash() -> None:
            while not (found := set(children(os.getpid())) - others_of_ours):
                time.sleep(0.01)
            time.sleep(0.7)
            os.kill(found.pop(), signal.SIGSEGV)

        thread = threading.Thread(target=crash)
        thread.start()
        first, *others = readings
        thread.join()
    assert first.reason == "The parser crashed while reading it (SIGSEGV)."
    assert [r.status for r in others] == ["indexed"] * len(small)


def test_what_is_not_there_or_too_large_is_said(tmp_path: Path) -> None:
    large = write(tmp_path / "large.txt", b"word " * 1000)
    gone, big, folder = read(tmp_path / "gone.txt", large, tmp_path, max_file_bytes=2000)
    assert (gone.status, gone.reason) == ("failed", "It can't be read: No such file or directory.")
    assert (folder.status, folder.reason) == ("failed", "It can't be read: Is a directory.")
    assert big.status == "unsupported"
    assert "Split it" in big.reason


def test_a_pipe_in_place_of_a_file_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    assert load_file(tmp_path / "pipe.txt").status == "unsupported"


def test_a_name_that_is_no_text_is_read(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9-\xff.txt")
    write(path, b"Coffee at nine.")
    (reading,) = read(path)
    assert reading.location == path
    assert reading.document.text == "Coffee at nine."
    reading.document.title.encode()


def test_a_run_that_is_dropped_leaves_the_readers_usable(small: list[Path], heavy: Path) -> None:
    before = children(os.getpid())
    with Readers() as readers:
        run = readers.read([small[0], heavy, heavy])
        next(run)
        run.close()
        assert [r.status for r in readers.read(small)] == ["indexed"] * len(small)
    assert children(os.getpid()) == before


def test_workers_die_with_their_parent(heavy: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from ingest.worker import Readers\n"
        "with Readers() as readers: list(readers.read([Path(sys.argv[1])] * 4))"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, str(heavy)], cwd=ROOT)
    while len(found := children(parent.pid)) < 2:
        assert parent.poll() is None
        time.sleep(0.02)
    parent.kill()
    parent.wait()
    for _ in range(500):
        alive = [pid for pid in found if Path(f"/proc/{pid}").exists()]
        if not alive:
            break
        time.sleep(0.02)
    assert not alive


def test_a_worker_starts_without_the_models() -> None:
    program = "import sys, ingest.worker; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"torch", "faiss", "transformers", "pypdfium2", "docx"} & set(loaded)
