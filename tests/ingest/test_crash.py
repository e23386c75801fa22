"""Whatever happens to an ingest, the index is a whole one, and the next run finishes the work."""

import os
import shutil
from pathlib import Path

import pytest

from contract.errors import StorageFailed
from contract.settings import RetrievalSettings
from ingest import publish
from ingest.build import Ingest, Options
from retrieval.index import Index
from retrieval.maintain import rebuild
from retrieval.manifest import LEXICAL, VECTORS
from retrieval.retrieve import Retriever
from text.encoder import Encoder

SETTINGS = RetrievalSettings()


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "a.txt").write_text("Cats sleep all day.")
    return folder


def found(index: Path, encoder: Encoder, question: str) -> list[str]:
    hits = Retriever(index, encoder, SETTINGS).search(question)
    return [Path(hit.chunk.document).name for hit in hits]


@pytest.mark.parametrize("step", ["write", "commit", "manifest", "clean"])
def test_a_run_that_dies_at_any_step(
    documents: Path, tmp_path: Path, encoder: Encoder, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = tmp_path / "index"
    run = Ingest(index, encoder, SETTINGS).run
    run([documents], "default")
    (documents / "b.txt").write_text("Cats also hunt.")

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        if step == "write":
            broken.setattr("retrieval.generation.write_lexical", die)
        elif step == "commit":
            broken.setattr(publish, "Manifest", die)
        elif step == "manifest":
            broken.setattr("retrieval.generation.write_atomically", die)
        else:
            broken.setattr(publish, "sweep", die)
        with pytest.raises(KeyboardInterrupt):
            run([documents], "default")
    before = found(index, encoder, "cats")
    # The catalogue's commit is the moment: before it the old index stands, after it the new one.
    assert sorted(before) == (["a.txt"] if step in ("write", "commit") else ["a.txt", "b.txt"])
    run([documents], "default")
    assert sorted(found(index, encoder, "cats")) == ["a.txt", "b.txt"]
    assert Index(index, encoder).problems() == []
    assert len(list((index / VECTORS).glob("*.faiss"))) <= 2
    assert len(list((index / LEXICAL).iterdir())) <= 2


def test_a_full_disk_leaves_the_index_that_was_there(
    documents: Path, tmp_path: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = tmp_path / "index"
    Ingest(index, encoder, SETTINGS).run([documents], "default")
    (documents / "b.txt").write_text("Dogs bark.")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("retrieval.embeddings.os.fsync", full)
        with pytest.raises(StorageFailed, match="No space left"):
            Ingest(index, encoder, SETTINGS).run([documents], "default")
    assert found(index, encoder, "cats") == ["a.txt"]
    assert Ingest(index, encoder, SETTINGS).run([documents], "default").counts == {
        "indexed": 1,
        "unchanged": 1,
    }


@pytest.mark.parametrize("victim", ["vectors/*.faiss", "vectors/*.npy", "lexical/*"])
def test_lost_or_damaged_files_are_noticed_and_made_again(
    documents: Path, tmp_path: Path, encoder: Encoder, victim: str
) -> None:
    index = tmp_path / "index"
    Ingest(index, encoder, SETTINGS).run([documents], "default")
    (path,) = index.glob(victim)
    if path.is_dir():
        shutil.rmtree(path)
    else:
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
    with pytest.raises(Exception, match="index rebuild"):
        Index(index, encoder)
    assert rebuild(index, SETTINGS.flat_limit) == 1
    assert found(index, encoder, "cats") == ["a.txt"]


def test_a_dry_run_says_what_would_change_and_changes_nothing(
    documents: Path, tmp_path: Path, encoder: Encoder
) -> None:
    index = tmp_path / "index"
    ingest = Ingest(index, encoder, SETTINGS)
    assert ingest.preview([documents], "default").counts == {"new": 1}
    assert not index.exists()
    ingest.run([documents], "default")
    (documents / "a.txt").write_text("Cats sleep at night.")
    (documents / "b.txt").write_text("Dogs bark.")
    state = {path: path.stat().st_mtime_ns for path in index.rglob("*.*")}
    assert ingest.preview([documents], "default").counts == {"changed": 1, "new": 1}
    (documents / "a.txt").unlink()
    assert ingest.preview([documents], "default").counts == {"new": 1, "removed": 1}
    assert {path: path.stat().st_mtime_ns for path in state} == state


def test_documents_can_be_taken_out(documents: Path, tmp_path: Path, encoder: Encoder) -> None:
    (documents / "b.txt").write_text("Dogs bark.")
    ingest = Ingest(tmp_path / "index", encoder, SETTINGS)
    ingest.run([documents], "default")
    report = ingest.remove([documents / "b.txt"], "default")
    assert report.counts == {"removed": 1}
    assert found(tmp_path / "index", encoder, "dogs cats") == ["a.txt"]


def test_a_file_that_only_got_another_time_is_not_read(
    documents: Path, tmp_path: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest = Ingest(tmp_path / "index", encoder, SETTINGS)
    ingest.run([documents], "default")
    os.utime(documents / "a.txt", (1, 1))
    monkeypatch.setattr("ingest.build.Readers.read", lambda _, files: iter(list(files)[:0]))
    assert ingest.run([documents], "default").counts == {"unchanged": 1}


def test_another_encoder_rebuilds_every_collection(
    documents: Path, tmp_path: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = tmp_path / "index"
    (tmp_path / "b.txt").write_text("Dogs bark.")
    Ingest(index, encoder, SETTINGS).run([documents], "default")
    Ingest(index, encoder, SETTINGS).run([tmp_path / "b.txt"], "pets")
    other = Encoder()
    monkeypatch.setitem(vars(other), "fingerprint", "another")
    Ingest(index, other, SETTINGS).run([documents], "default", Options(rebuild=True))
    hits = Retriever(index, other, SETTINGS).search("dogs", collection="pets")
    assert [hit.chunk.text for hit in hits] == ["Dogs bark."]
