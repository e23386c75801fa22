import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from contract.errors import ConfigurationError, IndexMismatch
from contract.settings import RetrievalSettings
from ingest.build import Ingest, Options
from ingest.report import Report
from retrieval.index import Index
from retrieval.manifest import MANIFEST
from retrieval.retrieve import Retriever
from text.encoder import Encoder

SETTINGS = RetrievalSettings()


class Folder:
    """A folder of documents and its index."""

    def __init__(self, path: Path, encoder: Encoder) -> None:
        self.documents, self.index, self.encoder = path / "documents", path / "index", encoder
        self.documents.mkdir()

    def write(self, name: str, text: str) -> Path:
        path = self.documents / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    def ingest(self, *roots: Path, **options: Any) -> Report:
        run = Ingest(self.index, self.encoder, SETTINGS).run
        return run(roots or [self.documents], "default", Options(**options))

    def embeddings(self) -> int:
        """How many vectors are stored."""
        (store,) = self.index.glob("embeddings-*.sqlite")
        with closing(sqlite3.connect(store)) as connection:
            (count,) = connection.execute("SELECT count(*) FROM embedding").fetchone()
        return int(count)

    def found(self, question: str) -> list[str]:
        hits = Retriever(self.index, self.encoder, SETTINGS).search(question)
        return [Path(hit.chunk.document).name for hit in hits]


@pytest.fixture
def folder(tmp_path: Path, encoder: Encoder) -> Folder:
    return Folder(tmp_path, encoder)


def test_only_what_changed_is_read_again(folder: Folder) -> None:
    folder.write("a.txt", "Cats sleep all day.")
    folder.write("b.txt", "Dogs bark at night.")
    assert folder.ingest().counts == {"indexed": 2}
    folder.write("b.txt", "Dogs sing at night.")
    folder.write("c.txt", "Birds fly south.")
    assert folder.ingest().counts == {"indexed": 2, "unchanged": 1}
    assert (
        "Dogs sing"
        in Retriever(folder.index, folder.encoder, SETTINGS).search("dogs")[0].chunk.text
    )


def test_a_removed_file_leaves_the_index(folder: Folder) -> None:
    folder.write("a.txt", "Cats sleep all day.")
    folder.write("b.txt", "Dogs bark at night.")
    folder.ingest()
    (folder.documents / "b.txt").unlink()
    report = folder.ingest()
    assert report.counts == {"removed": 1, "unchanged": 1}
    assert folder.found("dogs bark") == ["a.txt"]


def test_what_left_the_index_leaves_the_disk(folder: Folder) -> None:
    path = folder.write("a.txt", "Cats sleep all day.")
    folder.write("b.txt", "Dogs bark at night.")
    folder.ingest()
    path.unlink()
    folder.ingest()
    assert folder.embeddings() == 1


def test_a_missing_folder_removes_nothing(folder: Folder, tmp_path: Path) -> None:
    folder.write("a.txt", "Cats sleep all day.")
    folder.ingest()
    folder.documents.rename(tmp_path / "elsewhere")
    report = folder.ingest()
    assert report.failed
    assert folder.found("cats") == ["a.txt"]


def test_pruning_leaves_nothing_but_the_given_paths(folder: Folder) -> None:
    one, two = folder.write("a.txt", "Cats."), folder.write("b.txt", "Dogs.")
    folder.ingest(one)
    assert folder.ingest(two).counts == {"indexed": 1}
    assert folder.ingest(two, prune=True).counts == {"removed": 1, "unchanged": 1}


def test_what_others_look_after_is_not_pruned(folder: Folder, tmp_path: Path) -> None:
    uploaded = tmp_path / "uploads"
    uploaded.mkdir()
    (uploaded / "b.txt").write_text("Dogs bark.")
    folder.write("a.txt", "Cats.")
    folder.ingest(folder.documents, uploaded)
    assert folder.ingest(prune=True, spared=(uploaded,)).counts == {"unchanged": 1}
    assert folder.found("dogs")[0] == "b.txt"
    assert folder.ingest(prune=True).counts == {"removed": 1, "unchanged": 1}


def test_a_slip_of_the_pen_prunes_nothing(folder: Folder, tmp_path: Path) -> None:
    folder.write("a.txt", "Cats.")
    folder.ingest()
    report = folder.ingest(tmp_path / "no-such-folder", prune=True)
    assert report.counts == {"failed": 1}
    assert folder.found("cats") == ["a.txt"]


def test_a_pipe_is_no_document(folder: Folder) -> None:
    folder.write("a.txt", "Cats.")
    os.mkfifo(folder.documents / "pipe.txt")
    assert folder.ingest().counts == {"indexed": 1}


def test_a_link_out_of_the_folder_is_not_followed(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("Cats are secret.")
    folder.write("a.txt", "Dogs bark.")
    (folder.documents / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder.documents / "within.txt").symlink_to(folder.documents / "a.txt")
    report = folder.ingest()
    assert report.counts == {"indexed": 1, "unsupported": 1}
    assert folder.found("cats secret") == ["a.txt"]
    assert folder.ingest(folder.documents, tmp_path / "secret.txt").counts["indexed"] == 1


def test_a_lost_manifest_is_written_again(folder: Folder) -> None:
    folder.write("a.txt", "Cats.")
    folder.ingest()
    content = (folder.index / MANIFEST).read_bytes()
    (folder.index / MANIFEST).unlink()
    assert folder.ingest().counts == {"unchanged": 1}
    assert (folder.index / MANIFEST).read_bytes() == content


def test_nothing_changed_means_nothing_is_encoded_or_published(folder: Folder) -> None:
    folder.write("a.txt", "Cats sleep all day.")
    folder.ingest()
    stamp = (folder.index / MANIFEST).stat().st_mtime_ns
    untouched = Encoder()
    Ingest(folder.index, untouched, SETTINGS).run([folder.documents], "default")
    assert not untouched.loaded, "the weights were loaded"
    assert (folder.index / MANIFEST).stat().st_mtime_ns == stamp


def test_identical_chunks_are_encoded_once(folder: Folder) -> None:
    folder.write("a/same.txt", "Cats sleep all day.")
    folder.write("b/same.txt", "Cats sleep all day.")
    folder.ingest()
    assert folder.embeddings() == 1


def test_a_bad_file_is_reported_and_the_rest_is_done(folder: Folder) -> None:
    folder.write("bad.pdf", "%PDF-1.4 nothing")
    folder.write("odd.mp3", "ID3\x04\x00\x00\x00\x00")
    folder.write("none.txt", "  \n")
    folder.write("good.txt", "Cats sleep all day.")
    report = folder.ingest()
    assert report.counts == {"empty": 1, "failed": 1, "indexed": 1, "unsupported": 1}
    assert all(file.reason for file in report.files if file.status != "indexed")
    assert folder.ingest().counts == {"empty": 1, "failed": 1, "unchanged": 1, "unsupported": 1}


def test_a_file_that_breaks_takes_its_old_text_with_it(folder: Folder) -> None:
    folder.write("a.json", '{"secret": "cats"}')
    folder.write("b.txt", "Dogs bark.")
    folder.ingest()
    folder.write("a.json", '{"secret": ')
    assert folder.ingest().failed
    assert folder.found("cats secret") == ["b.txt"]


def test_an_index_of_another_encoder_is_refused_until_rebuilt(folder: Folder, monkeypatch) -> None:
    folder.write("a.txt", "Cats sleep all day.")
    folder.ingest()
    other = Encoder()
    monkeypatch.setitem(vars(other), "fingerprint", "another")
    with pytest.raises(IndexMismatch, match="rebuild"):
        Index(folder.index, other)
    with pytest.raises(IndexMismatch, match="rebuild"):
        Ingest(folder.index, other, SETTINGS).run([folder.documents], "default")
    Ingest(folder.index, other, SETTINGS).run([folder.documents], "default", Options(rebuild=True))
    assert Index(folder.index, other).manifest.encoder.fingerprint == "another"


def test_two_ingests_at_once_are_kept_apart(folder: Folder) -> None:
    folder.write("a.txt", "Cats.")
    folder.ingest()
    blocker = sqlite3.connect(folder.index / "catalogue.sqlite", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    folder.write("b.txt", "Dogs.")
    with pytest.raises(ConfigurationError, match="Another ingest"):
        folder.ingest()
    blocker.execute("ROLLBACK")
    blocker.close()
    assert folder.ingest().counts == {"indexed": 1, "unchanged": 1}


def test_a_killed_ingest_leaves_the_index_that_was_there(folder: Folder) -> None:
    folder.write("a.txt", "Cats sleep all day.")
    folder.ingest()
    for number in range(300):
        folder.write(f"many/{number}.txt", f"Rule {number}: " + f"item {number} is allowed. " * 40)
    command = [sys.executable, "-m", "ingest", str(folder.documents), "--index", str(folder.index)]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[2])
    while folder.embeddings() < 2:
        assert process.poll() is None, "the ingest ended before it could be killed"
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert folder.found("cats") == ["a.txt"]
    assert folder.embeddings() > 1


def test_a_server_follows_the_index(folder: Folder) -> None:
    folder.write("a.txt", "Cats sleep all day.")
    folder.ingest()
    retriever = Retriever(folder.index, folder.encoder, SETTINGS)
    assert len(retriever.search("cats")) == 1
    folder.write("b.txt", "Cats also hunt.")
    folder.ingest()
    assert len(retriever.search("cats")) == 2
