"""Another index, from which questions are answered anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from contract.errors import ConfigurationError
from contract.settings import RetrievalSettings, Settings
from feedback.log import Log
from ingest.build import Ingest
from server.app import create_app
from server.replay.change import change_of
from server.replay.run import Options, replay
from server.wiring import build
from tests.conftest import ask, listening
from tests.scripted_policy import ScriptedPolicy
from tests.server.replay.conftest import Replay, Served
from text.encoder import Encoder

LEAVE = "Full-time employees get 27 days of annual leave each year.\n"
LAPTOPS = "A broken laptop is repaired by the service desk within three working days.\n"
QUESTIONS = ("How many days of annual leave do I get?", "Who repairs a broken laptop?")

Index = Callable[..., Path]


@pytest.fixture(scope="module")
def index_of(encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Index:
    """An index folder of some files."""

    def make(**files: str) -> Path:
        folder = tmp_path_factory.mktemp("index")
        documents = folder / "documents"
        documents.mkdir()
        for name, text in files.items():
            (documents / f"{name}.md").write_text(text, "utf-8")
        Ingest(folder / "index", encoder, RetrievalSettings()).run([documents], "default")
        return folder / "index"

    return make


@pytest.fixture(scope="module")
def by_reader(index_of: Index, tmp_path_factory: pytest.TempPathFactory) -> Served:
    """Two questions, answered by the embedded reader."""
    folder = tmp_path_factory.mktemp("reader")
    index = index_of(leave=LEAVE, laptops=LAPTOPS)
    settings = Settings().replace({"data_dir": folder, "index_dir": index})
    with listening(create_app(build(settings)), settings.server) as url:
        ids = {question: ask(url, question)["id"] for question in QUESTIONS}
        ids["plain"] = ask(url, "Say hello.", plumbline={"retrieve": False})["id"]
    return Served(settings, ids)


def test_an_index_without_a_document_flips_what_rested_on_it(
    replayed: Replay, by_reader: Served, index_of: Index
) -> None:
    summary, flips = replayed(
        settings=by_reader.settings, log=by_reader.log(), index=index_of(leave=LEAVE)
    )
    laptops = flips[by_reader.ids[QUESTIONS[1]]]
    assert "service desk" in laptops["choices"][0]["before"]["answer"]
    assert "service desk" not in laptops["choices"][0]["after"]["answer"]
    (gone,) = laptops["passages"]["gone"]
    assert (Path(gone["document"]).name, gone["text"]) == ("laptops.md", LAPTOPS.strip())
    assert laptops["passages"]["cited_gone"] == [gone["number"]]
    leave = flips.get(by_reader.ids[QUESTIONS[0]], {"choices": []})
    assert all(not choice["changed"] for choice in leave["choices"])
    assert summary["passages"]["turns whose cited passage is gone"] == 1
    assert summary["left_out"] == {"answered without documents": 1}
    assert summary["after"]["index"] != summary["before"].get("index")


def test_the_same_documents_flip_nothing(
    replayed: Replay, by_reader: Served, index_of: Index
) -> None:
    index = index_of(leave=LEAVE, laptops=LAPTOPS)
    summary, flips = replayed(settings=by_reader.settings, log=by_reader.log(), index=index)
    assert (summary["turns"], flips) == (2, {})
    assert summary["passages"]["turns with other passages"] == 0


def test_another_policys_turns_are_not_answered_by_the_reader(
    replayed: Replay, served: Served, index_of: Index, data_dir: Path
) -> None:
    reader = Settings().replace(
        {"data_dir": served.settings.data_dir, "index_dir": served.settings.index_dir}
    )
    index = index_of(leave=LEAVE)
    summary, flips = replayed(settings=reader, index=index, options=Options(limit=3))
    assert summary["decisions"] == {}
    assert summary["passages"]["turns with other passages"] == 3
    assert {tuple(line["changed"]) for line in flips.values()} == {("passages",)}


def test_a_policy_answers_from_the_new_passages(
    replayed: Replay, by_reader: Served, index_of: Index, policy: ScriptedPolicy
) -> None:
    policy.script("Full-time employees get 30 days of annual leave each year [1].")
    changed = index_of(leave=LEAVE.replace("27", "30"), laptops=LAPTOPS)
    _, flips = replayed(
        settings=by_reader.settings, log=by_reader.log(), index=changed, policy=policy.url
    )
    assert any("30 days" in str(body["messages"]) for body in policy.requests)
    ((choice,), passages) = (
        flips[by_reader.ids[QUESTIONS[0]]]["choices"],
        flips[by_reader.ids[QUESTIONS[0]]]["passages"],
    )
    assert "30 days" in choice["after"]["answer"]
    assert [len(passages[name]) for name in ("gone", "new")] == [1, 1]


def test_a_folder_without_an_index_is_refused(by_reader: Served, tmp_path: Path) -> None:
    change = change_of(by_reader.settings, None, rubric=None, index=tmp_path / "none", policy=None)
    log = Log(by_reader.settings.log_file)
    with pytest.raises(ConfigurationError, match="none"):
        replay(log, change, Options(), None, lambda *_: None)
    log.close()
