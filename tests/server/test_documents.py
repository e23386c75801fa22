"""Documents over HTTP: they come in, are found, are replaced and leave; nothing half-done shows."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import openai
import pytest

from contract.access import Access
from contract.settings import RetrievalSettings, Settings
from ingest.build import Ingest
from server.callers import Caller
from server.ingest_job import Job, JobFile
from server.wiring import build
from tests.conftest import Serve, ask
from tests.server.test_callers import run
from text.encoder import Encoder

BADGES = "# Badges\n\nA lost badge costs fifteen euros, and the porter makes a new one.\n"
PARKING = "# 停车\n\n员工停车位在地下二层，每月收费八十元。\n"


@pytest.fixture
def index(tmp_path: Path, encoder: Encoder) -> Path:
    """An index of its own, with one document from a folder."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "canteen.md").write_text("# Canteen\n\nLunch in the canteen costs four euros.\n")
    Ingest(tmp_path / "index", encoder, RetrievalSettings()).run([folder], "default")
    return tmp_path / "index"


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=60) as client:
        yield client


def upload(client: httpx.Client, url: str, files: dict[str, str], **fields: object) -> dict:
    parts = [("file", (name, io.BytesIO(text.encode()))) for name, text in files.items()]
    response = client.post(f"{url}/v1/documents", files=parts, data=fields)
    assert response.status_code == 202, response.text
    return response.json()


def finished(client: httpx.Client, url: str, job: dict) -> dict:
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        state = client.get(f"{url}/v1/ingests/{job['id']}").json()
        if state["status"] in ("done", "failed"):
            return state
        time.sleep(0.2)
    raise AssertionError(f"the ingest did not end: {state}")


def on_disk(folder: Path) -> list[str]:
    return [str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()]


def test_uploaded_documents_are_found_replaced_and_removed(
    serve: Serve, index: Path, client: httpx.Client, tmp_path: Path
) -> None:
    url = serve(index_dir=index)
    files = {"badges.md": BADGES, "停车须知.txt": PARKING, "../../evil.pdf": "%PDF-1.4 and no more"}
    job = upload(client, url, files, attributes=json.dumps({"department": "facility"}))
    assert job["object"] == "plumbline.ingest"
    assert job["status"] in ("queued", "running")
    assert [file["bytes"] for file in job["files"]] == [len(t.encode()) for t in files.values()]
    state = finished(client, url, job)
    assert state["status"] == "done", state
    assert {f["filename"]: f["status"] for f in state["files"]} == {
        "badges.md": "indexed",
        "停车须知.txt": "indexed",
        "../../evil.pdf": "failed",
    }
    assert all(name not in path for path in on_disk(tmp_path) for name in ("badges", "evil", "停"))

    reply = ask(url, "What does a lost badge cost?")
    assert "fifteen euros" in reply["choices"][0]["message"]["content"]
    assert reply["plumbline"]["passages"][0]["document"] == "badges.md"
    assert "八十元" in str(ask(url, "员工停车位每月收费多少？")["choices"])
    badges, parking, _ = (file["document_id"] for file in state["files"])
    shown = client.get(f"{url}/v1/documents/{badges}").json()
    assert (shown["path"], shown["uploaded"]) == ("badges.md", True)
    assert shown["attributes"]["department"] == "facility"

    with openai.OpenAI(base_url=f"{url}/v1", api_key="any") as sdk:
        facility = {"type": "eq", "key": "department", "value": "facility"}
        kitchen = {"type": "eq", "key": "department", "value": "kitchen"}
        found = sdk.vector_stores.search("default", query="lost badge", filters=facility)
        assert found.data[0].file_id == badges
        assert found.data[0].filename == "badges.md"
        assert "fifteen" in found.data[0].content[0].text
        assert not sdk.vector_stores.search("default", query="lost badge", filters=kitchen).data

    again = upload(client, url, {"badges.md": BADGES.replace("fifteen", "twenty")})
    assert finished(client, url, again)["files"][0]["document_id"] == badges
    content = ask(url, "What does a lost badge cost?")["choices"][0]["message"]["content"]
    assert "twenty euros" in content and "fifteen" not in content

    gone = client.delete(f"{url}/v1/documents/{parking}")
    if gone.status_code == 202:
        assert finished(client, url, gone.json())["status"] == "done"
    else:
        assert gone.json() == {
            "id": parking,
            "object": "plumbline.document.deleted",
            "deleted": True,
        }
    assert client.get(f"{url}/v1/documents/{parking}").status_code == 404
    listed = client.get(f"{url}/v1/documents").json()["data"]
    assert parking not in [document["id"] for document in listed]
    (canteen,) = (d for d in listed if d["path"].endswith("canteen.md"))
    refused = client.delete(f"{url}/v1/documents/{canteen['id']}")
    assert refused.status_code == 409
    assert "plumbline ingest --remove" in refused.json()["error"]["message"]


def test_documents_are_listed_page_by_page(serve: Serve, client: httpx.Client) -> None:
    url = serve()
    whole = client.get(f"{url}/v1/documents", params={"limit": 1000}).json()
    assert not whole["has_more"]
    first = client.get(f"{url}/v1/documents", params={"limit": 15}).json()
    rest = client.get(f"{url}/v1/documents", params={"after": first["last_id"]}).json()
    assert first["has_more"] and not rest["has_more"]
    ids = [document["id"] for document in [*first["data"], *rest["data"]]]
    assert ids == [document["id"] for document in whole["data"]]
    (collection,) = client.get(f"{url}/v1/collections").json()["data"]
    assert (collection["id"], collection["documents"]) == ("default", len(ids))


def test_collections_are_vector_stores(serve: Serve) -> None:
    url = serve()
    with openai.OpenAI(base_url=f"{url}/v1", api_key="any") as sdk:
        (store,) = sdk.vector_stores.list().data
        assert store.id == "default"
        assert store.file_counts.completed == store.file_counts.total > 10
        assert sdk.vector_stores.retrieve("default").status == "completed"
        page = sdk.vector_stores.search(
            "default", query=["parental leave days", "年假"], max_num_results=4, rewrite_query=True
        )
        scores = [result.score for result in page.data]
        assert len(scores) == 4 and scores == sorted(scores, reverse=True)
        assert {"en", "zh"} == {"zh" if "年假" in r.content[0].text else "en" for r in page.data}
        alone = sdk.vector_stores.search("default", query="parental leave days").data
        options = {"ranker": "auto", "score_threshold": alone[1].score}
        near = sdk.vector_stores.search(
            "default", query="parental leave days", ranking_options=options
        ).data
        assert [r.content for r in near] == [r.content for r in alone[:2]]
        with pytest.raises(openai.NotFoundError):
            sdk.vector_stores.search("none", query="x")
        for wrong in ({"max_num_results": 51}, {"filters": {"type": "like", "key": "a"}}):
            with pytest.raises(openai.BadRequestError):
                sdk.vector_stores.search("default", query="x", **wrong)


def test_a_chat_can_be_held_to_some_documents(serve: Serve) -> None:
    url = serve()
    nothing = {"type": "eq", "key": "department", "value": "none"}
    question = "How many days of parental leave do I get?"
    assert ask(url, question)["plumbline"]["passages"]
    assert not ask(url, question, plumbline={"filters": nothing})["plumbline"]["passages"]
    all_of = {"type": "and", "filters": [{"type": "ne", "key": "department", "value": "none"}]}
    assert ask(url, question, plumbline={"filters": all_of})["plumbline"]["passages"]


def test_what_is_wrong_with_an_upload_is_said_and_nothing_of_it_is_kept(
    serve: Serve, index: Path, client: httpx.Client, tmp_path: Path
) -> None:
    url = serve(index_dir=index, server__max_upload_bytes=20_000) + "/v1/documents"
    good = ("file", ("a.md", b"text"))
    attempts: list[tuple[dict, int, str]] = [
        ({"files": [good], "data": {"collection": "../x"}}, 400, "collection"),
        ({"files": [good], "data": {"labels": "a b"}}, 400, "labels"),
        ({"files": [good], "data": {"attributes": "[1]"}}, 400, "attributes"),
        ({"files": [good], "data": {"attributes": '{"a": {"b": 1}}'}}, 400, "attributes"),
        ({"files": [good], "data": {"path": "x"}}, 400, "path"),
        ({"files": [good, good]}, 400, "same name"),
        ({"data": {"file": "text"}}, 400, "multipart"),
        ({"json": {"file": "text"}}, 400, "multipart"),
        ({"files": [("file", ("big.md", b"x" * 30_000))]}, 413, "max_upload_bytes"),
    ]
    for request, status, says in attempts:
        response = client.post(url, **request)
        assert response.status_code == status, response.text
        assert says in response.text

    def endless() -> Iterator[bytes]:
        yield b'--b\r\ncontent-disposition: form-data; name="file"; filename="big.md"\r\n\r\n'
        for _ in range(10):
            yield b"x" * 5_000
        yield b"\r\n--b--\r\n"

    headers = {"content-type": "multipart/form-data; boundary=b"}
    assert client.post(url, content=endless(), headers=headers).status_code == 413
    assert not (tmp_path / "documents").exists()


def test_only_an_admin_changes_documents_and_only_those_that_it_sees(
    serve: Serve, index: Path, tmp_path: Path
) -> None:
    file = tmp_path / "keys.yaml"
    secrets = {
        name: run("new", name, "--role", role, *labels, "--file", str(file))
        for name, role, labels in (
            ("rita", "rater", ()),
            ("hanna", "admin", ("--label", "hr")),
            ("otto", "admin", ()),
        )
    }
    parts = build(Settings().replace({"data_dir": tmp_path, "index_dir": index}))
    place = parts.uploads.path("default", "pay.md")
    received = parts.uploads.receive(io.BytesIO(b"# Pay\n\nNobody may know."), "part")
    beside = {"title": "pay.md", "labels": ["hr"], "attributes": {}}
    parts.uploads.place(received.incoming, place, "default", beside)
    url = serve(index_dir=index, server__keys_file=file, data_dir=tmp_path)
    statuses = {}
    for name, secret in secrets.items():
        headers = {"authorization": f"Bearer {secret}"}
        with httpx.Client(headers=headers, timeout=60) as client:
            files = [("file", ("pay.md", b"# Pay\n\nIt is different now."))]
            reply = client.post(f"{url}/v1/documents", files=files, data={"labels": "hr"})
            statuses[name] = reply.status_code
    assert statuses == {"rita": 403, "hanna": 202, "otto": 409}


def test_the_queue_survives_a_restart_and_broken_uploads_leave_nothing(
    serve: Serve, index: Path, client: httpx.Client, tmp_path: Path
) -> None:
    stopped = build(Settings().replace({"data_dir": tmp_path, "index_dir": index}))
    received = stopped.uploads.receive(io.BytesIO(BADGES.encode()), "whole")
    stopped.uploads.receive(io.BytesIO(b"half of"), "broken-off")
    path = str(stopped.uploads.path("default", "badges.md"))
    file = JobFile(filename="badges.md", path=path, incoming=received.incoming)
    job = Job(kind="add", collection="default", owner="", files=(file,))
    stopped.ingests.submit(job)
    assert stopped.ingests.job(job.id, Caller("", Access(), "admin")).status == "queued"

    url = serve(index_dir=index)
    assert finished(client, url, {"id": job.id})["status"] == "done"
    assert "fifteen euros" in str(ask(url, "What does a lost badge cost?")["choices"])
    assert not list((tmp_path / "documents" / "incoming").iterdir())


def test_uploaded_files_that_the_index_lost_are_taken_in_again(
    serve: Serve, index: Path, client: httpx.Client, tmp_path: Path
) -> None:
    stopped = build(Settings().replace({"data_dir": tmp_path, "index_dir": index}))
    received = stopped.uploads.receive(io.BytesIO(BADGES.encode()), "whole")
    place = stopped.uploads.path("default", "badges.md")
    stopped.uploads.place(received.incoming, place, "default", {"title": "badges.md", "labels": []})
    url = serve(index_dir=index)
    deadline = time.monotonic() + 600
    while "badges.md" not in client.get(f"{url}/v1/documents").text:
        assert time.monotonic() < deadline
        time.sleep(0.2)
