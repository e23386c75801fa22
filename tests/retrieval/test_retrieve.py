import time
from pathlib import Path

import pytest

from contract.errors import ConfigurationError, NotFound, NotReady
from contract.settings import RetrievalSettings
from ingest.build import Ingest
from retrieval.maintain import rebuild
from retrieval.manifest import VECTORS
from retrieval.retrieve import Retriever
from text.encoder import Encoder

SETTINGS = RetrievalSettings()


@pytest.fixture
def retriever(data_dir: Path, encoder: Encoder) -> Retriever:
    return Retriever(data_dir / "index", encoder, SETTINGS)


@pytest.mark.parametrize(
    ("question", "document"),
    [
        ("How many days of parental leave do I get?", "parental-leave.md"),
        ("年假可以结转到下一年吗？", "zh/annual-leave.md"),
        ("Where do I hand in an invoice after a trip?", "expenses-and-travel.md"),
    ],
)
def test_the_right_document_comes_first(retriever: Retriever, question: str, document: str) -> None:
    assert retriever.search(question)[0].chunk.document.endswith(document)


def test_scores_descend_and_texts_are_exact(retriever: Retriever) -> None:
    hits = retriever.search("How long is the warranty?", k=20)
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert len({hit.chunk.id for hit in hits}) == len(hits) == 20


def test_a_question_in_chinese_does_not_ask_the_encoder(retriever: Retriever) -> None:
    assert retriever.retrieve("年假可以结转到下一年吗？").question_vector is None
    assert retriever.retrieve("May I carry annual leave over?").question_vector is not None


def test_passages_fit_the_budget_and_point_into_their_document(
    data_dir: Path, encoder: Encoder
) -> None:
    settings = RetrievalSettings(k=20, passage_tokens=300)
    evidence = Retriever(data_dir / "index", encoder, settings).retrieve(
        "How long is the warranty?"
    )
    assert sum(encoder.count_tokens(p.text) for p in evidence.passages) <= 300
    assert [p.number for p in evidence.passages] == list(range(1, len(evidence.passages) + 1))
    for passage in evidence.passages:
        assert all(s.text in passage.text for s in passage.sentences)


def test_neighbours_are_joined_without_their_overlap(tmp_path: Path, encoder: Encoder) -> None:
    text = " ".join(f"Rule {i} says that lamp {i} must be checked on day {i}." for i in range(40))
    (tmp_path / "rules.txt").write_text(text)
    Ingest(tmp_path / "index", encoder, SETTINGS).run([tmp_path / "rules.txt"], "default")
    evidence = Retriever(tmp_path / "index", encoder, SETTINGS).retrieve("Which lamp is checked?")
    (passage,) = evidence.passages
    assert passage.text == text[passage.start : passage.end] == text
    assert [s.text for s in passage.sentences] == [t + "." for t in text[:-1].split(". ")]


def test_support_tells_what_the_documents_hold(retriever: Retriever) -> None:
    held = retriever.retrieve("How many days of parental leave do I get?").support()
    absent = retriever.retrieve("Who won the football match last night?").support()
    assert held > 0.7 > 0.3 > absent


def test_an_unknown_collection_is_named(retriever: Retriever) -> None:
    with pytest.raises(NotFound, match="Known: default"):
        retriever.search("anything", collection="nothing")


def test_collections_are_kept_apart(tmp_path: Path, encoder: Encoder) -> None:
    for name, text in (("cats", "The cat sleeps."), ("dogs", "The dog sleeps.")):
        (tmp_path / f"{name}.txt").write_text(text)
        Ingest(tmp_path / "index", encoder, SETTINGS).run([tmp_path / f"{name}.txt"], name)
    retriever = Retriever(tmp_path / "index", encoder, SETTINGS)
    for name in ("cats", "dogs"):
        hits = retriever.search("Who sleeps: cat or dog?", collection=name)
        assert [Path(hit.chunk.document).stem for hit in hits] == [name]


def test_without_an_index_the_retriever_is_not_ready(tmp_path: Path, encoder: Encoder) -> None:
    with pytest.raises(NotReady, match="plumbline ingest"):
        Retriever(tmp_path / "none", encoder, SETTINGS).search("anything")


def test_damaged_vectors_are_noticed_and_rebuilt(tmp_path: Path, encoder: Encoder) -> None:
    (tmp_path / "a.txt").write_text("Cats sleep all day.")
    index = tmp_path / "index"
    Ingest(index, encoder, SETTINGS).run([tmp_path / "a.txt"], "default")
    (file,) = (index / VECTORS).glob("*.faiss")
    content = bytearray(file.read_bytes())
    content[-40] ^= 1
    file.write_bytes(content)
    with pytest.raises((ConfigurationError, NotReady), match="index rebuild"):
        Retriever(index, encoder, SETTINGS).search("cats")
    assert rebuild(index, SETTINGS.flat_limit) == 1
    assert Retriever(index, encoder, SETTINGS).search("cats")


def test_query_syntax_in_a_question_is_only_text(retriever: Retriever) -> None:
    for question in (
        'leave" OR "1',
        "NEAR(leave pay)",
        "heading: leave*",
        "'; DROP TABLE chunk; --",
    ):
        retriever.search(question)
    assert retriever.search("parental leave")


def test_a_large_index_is_opened_aside(
    tmp_path: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrieval.follow._OPENED_AT_ONCE", 0)
    (tmp_path / "a.txt").write_text("Cats sleep all day.")
    run = Ingest(tmp_path / "index", encoder, SETTINGS).run
    run([tmp_path / "a.txt"], "default")
    retriever = Retriever(tmp_path / "index", encoder, SETTINGS)
    assert len(retriever.search("cats")) == 1
    (tmp_path / "b.txt").write_text("Cats also hunt.")
    run([tmp_path / "b.txt"], "default")
    deadline = time.monotonic() + 30
    while len(retriever.search("cats")) < 2:
        assert time.monotonic() < deadline, "the new version never came into service"
        time.sleep(0.02)
