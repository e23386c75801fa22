"""A document is forgotten: index, uploads, and the turns that were shown it; the rest is as it was."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest

from contract.access import OWNER
from contract.settings import RetrievalSettings, Settings
from feedback.log import Log
from ingest.build import Ingest, Options
from retrieval.catalogue import fetch_document_chunks, open_snapshot
from retrieval.embeddings import Embeddings
from retrieval.index import Index
from retrieval.lexical import LexicalIndex
from retrieval.retrieve import Retriever
from tests.conftest import ROOT, Serve, ask
from tests.feedback.test_log import completion, feedback, write
from tests.forget.test_person import forget, holds
from tests.server.test_documents import finished, upload
from text.encoder import Encoder

CV = (
    "# Ann Marlow\n\nThe quarterly xylophone stipend of Ann Marlow is nine thousand florins.\n\n"
    "She keeps her zitherplectrum in the turquoise cupboard of the archive.\n"
)
LEAVE = "# 育儿假\n\n王晓雯的育儿假从五月三日开始，一共九周。\n\n期间由财务部的李建国代理她的全部工作。\n"
CANTEEN = "# Canteen\n\nLunch in the canteen costs four euros.\n"
SECRETS = (
    "quarterly xylophone stipend",
    "zitherplectrum",
    "turquoise cupboard",
    "nine thousand florins",
)


class Team:
    """Documents of a team in a folder of its own, and the data folder of its Plumbline."""

    def __init__(self, folder: Path, encoder: Encoder, flat_limit: int = 20_000) -> None:
        self.docs, self.data = folder / "docs", folder / "data"
        self.docs.mkdir()
        self.data.mkdir()
        self._encoder = encoder
        self._settings = RetrievalSettings(flat_limit=flat_limit)
        for name, text in (("cv.md", CV), ("leave.md", LEAVE), ("canteen.md", CANTEEN)):
            self.write(name, text)
        self.ingest()

    def write(self, name: str, text: str) -> Path:
        (self.docs / name).write_text(text, encoding="utf-8")
        return self.docs / name

    def ingest(self, **options: bool) -> dict[str, tuple[str, str]]:
        run = Ingest(self.data / "index", self._encoder, self._settings)
        report = run.run([self.docs], "default", Options(**options))
        return {Path(f.path).name: (f.status, f.reason) for f in report.files}

    def found(self, question: str) -> list[str]:
        retriever = Retriever(self.data / "index", self._encoder, self._settings)
        try:
            hits = retriever.search(question, access=OWNER, k=5)
            return [Path(hit.chunk.document).name for hit in hits]
        finally:
            retriever.close()

    def check(self) -> None:
        opened = Index(self.data / "index", self._encoder)
        try:
            assert opened.problems() == []
        finally:
            opened.close()


@pytest.fixture
def team(tmp_path: Path, encoder: Encoder) -> Team:
    return Team(tmp_path, encoder)


@pytest.fixture
def log(team: Team) -> Iterator[Log]:
    opened = Log(team.data / "log.sqlite")
    yield opened
    opened.close()


def vectors_of(team: Team, encoder: Encoder, name: str) -> list[bytes]:
    """Vectors of a document's chunks and sentences, as they stand on disk."""
    connection = open_snapshot(team.data / "index" / "catalogue.sqlite")
    rows = connection.execute("SELECT id FROM document WHERE path LIKE ?", (f"%{name}",))
    keys = [
        key
        for (document,) in rows.fetchall()
        for chunk in fetch_document_chunks(connection, document)
        for (key,) in connection.execute(
            "SELECT embedding_key FROM chunk WHERE id = ?", (chunk.id,)
        )
    ]
    connection.close()
    store = Embeddings(team.data / "index", encoder.fingerprint, encoder.dimensions, read_only=True)
    found = [bytes(trace) for trace in store.traces(keys)]
    store.close()
    return [trace for trace in found if np.frombuffer(trace, np.uint8).any()]


def test_a_document_leaves_the_index_for_good(team: Team, encoder: Encoder) -> None:
    team.write("cv.md", CV.replace("nine thousand", "eight hundred"))
    team.ingest()
    vectors = vectors_of(team, encoder, "cv.md")
    assert vectors and holds(team.data, "eight hundred florins", "turquoise cupboard")
    done = forget(team.data, "--document", str(team.docs / "cv.md"))
    assert done["complete"] and done["counts"]["documents"] == 1
    # What an ordinary ingest had replaced before is gone as well.
    assert not holds(team.data, *SECRETS, "eight hundred florins", "cv.md")
    left = b"".join(f.read_bytes() for f in team.data.rglob("*") if f.is_file())
    assert [v for v in vectors if v in left] == []
    lexical = [LexicalIndex(path) for path in (team.data / "index" / "lexical").iterdir()]
    unseen = lexical[0].rarity(["nobodyeversaidthis"])["nobodyeversaidthis"]
    assert [side.rarity(["zitherplectrum"])["zitherplectrum"] for side in lexical] == [unseen]
    assert team.found("turquoise cupboard xylophone stipend") == ["canteen.md", "leave.md"]
    assert team.found("食堂 育儿假 九周")[0] == "leave.md"
    team.check()
    assert (team.docs / "cv.md").exists()
    assert "stays where it is" in str(done["notes"])


def test_what_free_pages_hold_goes_too(team: Team) -> None:
    """Not every SQLite zeroes what it deletes."""
    for path in (team.data / "index").glob("*.sqlite"):
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA secure_delete = OFF")
            connection.execute("CREATE TABLE scratch (text)")
            left = [(f"an old version of {path.name} number {n}",) for n in range(500)]
            connection.executemany("INSERT INTO scratch VALUES (?)", left)
            connection.execute("DROP TABLE scratch")
    assert holds(team.data, "an old version of catalogue", "an old version of embeddings")
    forget(team.data, "--document", str(team.docs / "cv.md"))
    assert not holds(team.data, "an old version of")
    team.check()


def test_a_chinese_document_likewise(team: Team) -> None:
    done = forget(team.data, "--document", str(team.docs / "leave.md"))
    assert done["complete"] and done["proof"]["stretches"] > 0
    assert not holds(team.data, "王晓雯的育儿假", "财务部的李建国", "一共九周")
    assert "leave.md" not in team.found("王晓雯的育儿假")
    assert team.found("lunch in the canteen")[0] == "canteen.md"
    team.check()


def test_an_index_with_trained_lists_likewise(tmp_path: Path, encoder: Encoder) -> None:
    team = Team(tmp_path, encoder, flat_limit=40)
    for number in range(60):
        team.write(
            f"room{number}.md", f"# Room {number}\n\nRoom {number} has {number + 2} chairs.\n"
        )
    team.ingest()
    config = tmp_path / "plumbline.yaml"
    config.write_text("retrieval: {flat_limit: 40}\n")
    arguments = ["--document", str(team.docs / "cv.md"), "--config", str(config)]
    assert forget(team.data, *arguments)["complete"]
    assert not holds(team.data, *SECRETS)
    assert '"ivf"' in (team.data / "index" / "manifest.json").read_text()
    assert team.found("How many chairs has room 17?")[0] == "room17.md"
    team.check()


def test_ingest_passes_over_it_under_any_name_until_it_is_allowed(team: Team) -> None:
    forget(team.data, "--document", str(team.docs / "cv.md"))
    team.write("renamed.md", CV)
    for options in ({}, {"checksums": True}, {"rebuild": True}, {"prune": True}):
        report = team.ingest(**options)
        assert report["cv.md"][0] == report["renamed.md"][0] == "forgotten"
        assert "plumbline forget --allow" in report["cv.md"][1]
    team.write("cv.md", "# Something else\n\nA new text at the forgotten place.\n")
    assert team.ingest()["cv.md"][0] == "forgotten"
    assert not holds(team.data, *SECRETS, "renamed.md", "forgotten place")
    team.write("canteen.md", CV)
    assert team.ingest()["canteen.md"][0] == "forgotten"
    assert team.found("lunch in the canteen") == ["leave.md"]
    # The list outlives an index that is made anew.
    for path in sorted((team.data / "index").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert team.ingest()["renamed.md"][0] == "forgotten"
    forget(team.data, "--allow", str(team.docs / "renamed.md"))
    assert team.ingest()["cv.md"][0] == "indexed"
    assert team.found("zitherplectrum")[0] in ("renamed.md", "canteen.md")
    assert forget(team.data, "--verify")["tombstones"][0]["lifted"]


def test_copies_go_with_it(team: Team) -> None:
    team.write("copy.md", CV)
    team.ingest()
    done = forget(team.data, "--document", str(team.docs / "cv.md"))
    assert done["counts"]["documents"] == 2
    assert "copy.md" in str(done["notes"])
    assert not holds(team.data, *SECRETS)


def test_what_other_documents_say_too_stays_with_them(team: Team, log: Log) -> None:
    shared = "Every employee signs the visitors' book at the northern gate of the harbour."
    team.write("cv.md", CV + "\n" + shared)
    team.write("gate.md", f"# Gate\n\n{shared}\n")
    team.ingest()
    harmless = completion(question="Where?", reply={"choices": [{"message": {"content": shared}}]})
    write(log, harmless)
    assert forget(team.data, "--document", str(team.docs / "cv.md"))["complete"]
    assert holds(team.data, shared) and not holds(team.data, *SECRETS)
    assert log.completion(harmless.id) == harmless
    assert team.found("visitors' book")[0] == "gate.md"


def test_turns_that_repeat_it_go_and_feedback_loses_its_words(team: Team, log: Log) -> None:
    sentence = "She keeps her zitherplectrum in the turquoise cupboard of the archive."
    answer = {"role": "assistant", "content": f"Well: {sentence} [1]"}
    follow_up = completion(request={"messages": [answer]}, passages=[])
    judged = completion()
    first, second = judged.candidates
    quoting = replace(second, judgement={"evidence": sentence})
    judged = replace(judged, candidates=(first, quoting))
    other = completion(question="And lunch?")
    correction = feedback(other.id, "correction", correction=sentence)
    rating = feedback(other.id, "rating", value=True, comment=f"No: {sentence}")
    write(log, follow_up, judged, other, correction, rating)
    done = forget(team.data, "--document", str(team.docs / "cv.md"))
    assert (done["counts"]["turns"], done["counts"]["feedback_given"]) == (2, 2)
    assert not holds(team.data, *SECRETS)
    assert list(log.completions()) == [other]
    assert [row.body for row in log.feedback()] == [{"value": True}]


def test_a_document_that_left_the_index_before_is_found_in_the_log(team: Team, log: Log) -> None:
    path = (team.docs / "cv.md").resolve()
    connection = open_snapshot(team.data / "index" / "catalogue.sqlite")
    query = "SELECT id FROM document WHERE location = ?"
    (document,) = connection.execute(query, (str(path),)).fetchone()
    connection.close()
    passage = {"document_id": document, "document": "cv.md", "text": CV}
    turn = completion(passages=[passage])
    write(log, turn)
    path.unlink()
    assert team.ingest()["cv.md"][0] == "removed"
    assert forget(team.data, "--document", str(path))["counts"]["turns"] == 1
    assert not holds(team.data, *SECRETS)
    late = completion(passages=[passage], created=time.time() + 5)
    write(log, late)
    assert list(log.completions()) == []
    assert not holds(team.data, *SECRETS)


def test_an_old_version_that_is_held_is_said_and_wiped_later(team: Team, encoder: Encoder) -> None:
    held = Index(team.data / "index", encoder)
    done = forget(team.data, "--document", str(team.docs / "cv.md"), "--wait", "1", code=3)
    assert [Path(path).name for path in done["held"]] == ["catalogue.sqlite"]
    held.close()
    assert forget(team.data, "--verify")["complete"]
    assert not holds(team.data, *SECRETS)


def test_a_server_goes_on_and_follows(
    team: Team, serve: Serve, free: Callable[[str], httpx.Client]
) -> None:
    url = serve(data_dir=team.data, index_dir=team.data / "index")
    question = "Where does Ann Marlow keep her zitherplectrum?"
    first = ask(url, question, user="bob")
    answer = first["choices"][0]["message"]
    assert "turquoise cupboard" in answer["content"]
    history = [
        {"role": "user", "content": question},
        {"role": "assistant", "content": answer["content"]},
        {"role": "user", "content": "What does lunch in the canteen cost?"},
    ]
    ask(url, "", messages=history)
    lunch = ask(url, "What does lunch in the canteen cost?", user="carla")
    client = free(url)
    rated = {
        "id": lunch["id"],
        "type": "rating",
        "value": True,
        "rater": "bob",
        "comment": "zither!",
    }
    assert client.post("/v1/feedback", json=rated).status_code == 200

    # Nobody asks meanwhile; the server lets go all the same.
    done = forget(team.data, "--document", str(team.docs / "cv.md"))
    assert done["complete"], done
    assert not holds(team.data, *SECRETS)
    assert done["counts"]["turns"] >= 2

    again = ask(url, question)
    assert "turquoise" not in str(again)
    assert "four euros" in str(ask(url, "What does lunch in the canteen cost?")["choices"])
    assert client.get(f"/v1/chat/completions/{first['id']}").status_code == 404
    ask(url, "zither! What does lunch in the canteen cost?", user="bob")
    assert forget(team.data, "--user", "bob")["counts"]["turns"] == 1
    assert not holds(team.data, "zither!")
    assert "九周" in str(ask(url, "王晓雯的育儿假一共几周？")["choices"])


def test_an_upload_leaves_its_file_and_its_name(
    team: Team, serve: Serve, free: Callable[[str], httpx.Client]
) -> None:
    url = serve(data_dir=team.data, index_dir=team.data / "index")
    client = free(url)
    secret = CV.replace("zitherplectrum", "hurdygurdycrank")
    job = upload(
        client, url, {"curriculum-ann-marlow.md": secret, "other.md": "# Other\n\nStay.\n"}
    )
    assert finished(client, url, job)["status"] == "done"
    assert "turquoise cupboard" in str(ask(url, "Where does she keep her hurdygurdycrank?"))

    done = forget(team.data, "--document", "curriculum-ann-marlow.md")
    assert done["complete"] and done["counts"]["uploads"] == 1
    assert not holds(team.data, "hurdygurdycrank", "curriculum-ann-marlow")
    told = client.get(f"/v1/ingests/{job['id']}").json()
    assert [f["filename"] for f in told["files"]] == ["(forgotten)", "other.md"]

    again = finished(client, url, upload(client, url, {"another-name.md": secret}))
    assert again["files"][0]["status"] == "forgotten"
    assert not holds(team.data, "hurdygurdycrank")
    names = [d["title"] for d in client.get("/v1/documents").json()["data"]]
    assert "other.md" in names and "another-name.md" not in names

    forget(team.data, "--allow", "curriculum-ann-marlow.md")
    back = finished(client, url, upload(client, url, {"curriculum-ann-marlow.md": secret}))
    assert back["files"][0]["status"] == "indexed"


def test_the_command_is_there_for_a_settings_file(team: Team, tmp_path: Path) -> None:
    """As an operator runs it: a process of its own, and paths from the settings."""
    config = tmp_path / "plumbline.yaml"
    config.write_text(f"data_dir: {team.data}\n", encoding="utf-8")
    command = [sys.executable, "-m", "plumbline", "forget", "--yes", "--config", str(config)]
    done = subprocess.run(
        [*command, "--document", str(team.docs / "cv.md")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Forgotten: 1 documents" in done.stdout
    assert "0 found in" in done.stdout
    assert not holds(team.data, *SECRETS)
    assert Settings.load(config, {}).index == team.data / "index"


@pytest.fixture
def free() -> Iterator[Callable[[str], httpx.Client]]:
    """A client of a server, closed at the end."""
    opened: list[httpx.Client] = []

    def client(url: str) -> httpx.Client:
        opened.append(httpx.Client(base_url=url, timeout=60))
        return opened[-1]

    yield client
    for one in opened:
        one.close()
