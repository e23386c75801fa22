"""The queue of turns that need a person: who is in it, who sees it, and when a turn leaves it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from contract.access import OWNER
from contract.ids import uuid7
from contract.settings import Settings
from feedback.log import Log
from feedback.migrations import m006_review
from feedback.records import CompletionRecord
from feedback.review_queue import Queued, queued
from server.app import create_app
from server.wiring import build
from tests.conftest import Serve, ask, listening
from tests.feedback.test_log import completion, feedback, write
from tests.scripted_policy import ScriptedPolicy
from tests.server.test_callers import Keys, chat, keys
from tests.server.test_feedback import given, refused

QUESTION = "How many days of parental leave do I get?"
__all__ = ["keys"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("desk")


@pytest.fixture(scope="module")
def url(folder: Path, data_dir: Path) -> Iterator[str]:
    """One server, whose log the tests also write to; each test asks for its own collection."""
    settings = Settings().replace({"data_dir": folder, "index_dir": data_dir / "index"})
    with listening(create_app(build(settings)), settings.server) as url:
        yield url


@pytest.fixture
def log(url: str, folder: Path) -> Iterator[Log]:
    log = Log(folder / "log.sqlite")
    yield log
    log.close()


def turn(**changes: object) -> CompletionRecord:
    return completion(id=f"chatcmpl-{uuid7()}", **changes)


def attempts(record: CompletionRecord, number: int) -> CompletionRecord:
    first, second = record.candidates
    return replace(record, candidates=(first, replace(second, attempt=number - 1)))


def listed(url: str, **query: object) -> list[dict]:
    reply = httpx.get(f"{url}/v1/reviews", params=query)
    assert reply.status_code == 200, reply.text
    return reply.json()["data"]


def test_each_reason_to_look_at_a_turn_is_told(url: str, log: Log) -> None:
    own = {"collection": "reasons"}
    plain, unsure, disliked = turn(**own), turn(review=True, **own), turn(**own)
    refusal = {"choices": [{"message": {"content": "No.", "refusal": "No."}}]}
    refused_by_policy = turn(review=True, reply=refusal, **own)
    refused_by_us = turn(decision="refuse", **own)
    again = attempts(turn(**own), 2)
    failed = turn(**own)
    broken = replace(failed.candidates[1], judgement={"error": {"code": "judge_failed"}})
    failed = replace(failed, candidates=(failed.candidates[0], broken))
    error = turn(decision="error", review=True, **own)
    records = [plain, unsure, disliked, refused_by_policy, refused_by_us, again, failed, error]
    write(log, *records)
    given(url, {"id": disliked.id, "type": "rating", "value": 2})
    found = {one["id"]: one["reasons"] for one in listed(url, **own)}
    assert found == {
        unsure.id: ["unsure"],
        disliked.id: ["disliked"],
        refused_by_policy.id: ["refused"],
        refused_by_us.id: ["refused"],
        again.id: ["regenerated"],
        failed.id: ["judge_failed"],
    }
    two = listed(url, reason=["disliked", "unsure"], order="asc", **own)
    assert [one["id"] for one in two] == sorted([unsure.id, disliked.id])


def test_a_turn_is_done_when_somebody_has_ruled_and_open_again_when_that_is_taken_back(
    url: str, log: Log
) -> None:
    record = turn(review=True, collection="states")
    write(log, record)

    def states() -> list[int]:
        return [
            len(listed(url, collection="states", state=state)) for state in ("open", "done", "all")
        ]

    assert states() == [1, 0, 1]
    ruling = given(url, {"id": record.id, "type": "ruling"})["id"]
    assert states() == [0, 1, 1]
    assert httpx.get(f"{url}/v1/reviews/{record.id}").json()["state"] == "done"
    given(url, {"id": record.id, "type": "comment", "comment": "Oh.", "supersedes": ruling})
    assert states() == [1, 0, 1]
    given(url, {"id": record.id, "type": "correction", "correction": "Better."})
    assert states() == [0, 1, 1]


def test_a_dislike_that_was_taken_back_or_came_before_its_turn_counts_as_it_should(
    url: str, log: Log
) -> None:
    early, late = turn(collection="dislikes"), turn(collection="dislikes")
    given(url, {"id": early.id, "type": "rating", "value": "bad"})
    write(log, early, late)
    other = late.candidates[1].id
    given(url, {"id": late.id, "type": "rating", "value": False, "candidate_id": other})
    assert [one["id"] for one in listed(url, collection="dislikes")] == [early.id]
    down = given(url, {"id": late.id, "type": "rating", "value": False})["id"]
    assert len(listed(url, collection="dislikes")) == 2
    given(url, {"id": late.id, "type": "rating", "value": True, "supersedes": down})
    assert [one["id"] for one in listed(url, collection="dislikes")] == [early.id]
    asyncio.run(log.delete(early.id))
    assert listed(url, collection="dislikes") == []


def test_the_queue_is_filtered_and_read_in_pages(url: str, log: Log) -> None:
    own = {"collection": "pages", "review": True}
    ids = sorted(f"chatcmpl-{uuid7()}" for _ in range(6))  # those of one moment are in no order
    records = [
        completion(id=own_id, created=float(number), language="zh" if number % 2 else "en", **own)
        for number, own_id in enumerate(ids[:5])
    ]
    records.append(completion(id=ids[5], created=9.0, policy_version="newer", **own))
    write(log, *records)
    first = httpx.get(f"{url}/v1/reviews", params={"collection": "pages", "limit": 4}).json()
    assert [one["id"] for one in first["data"]] == ids[:1:-1]
    assert (first["has_more"], first["total"], first["last_id"]) == (True, 6, ids[2])
    rest = httpx.get(
        f"{url}/v1/reviews", params={"collection": "pages", "after": first["last_id"]}
    ).json()
    assert [one["id"] for one in rest["data"]] == [ids[1], ids[0]]
    assert rest["has_more"] is False
    for query, wanted in (
        ({"language": "zh"}, {ids[1], ids[3]}),
        ({"policy_version": "newer"}, {ids[5]}),
        ({"since": 1, "until": 3}, {ids[1], ids[2]}),
    ):
        assert {one["id"] for one in listed(url, collection="pages", **query)} == wanted
    for wrong in ({"reason": "boring"}, {"state": "new"}, {"colection": "x"}):
        reply = httpx.get(f"{url}/v1/reviews", params=wrong)
        assert refused(reply, 400, {"reason": "reason[0]"}.get(*wrong, *wrong))


def test_the_record_of_a_turn_is_whole(policy: ScriptedPolicy, serve: Serve) -> None:
    policy.script("You stupid idiot, read it yourself.", "You get 80 working days [1].")
    url = serve(policy__url=policy.url)
    reply = ask(url, QUESTION, user="zoe")
    (line,) = listed(url)
    assert (line["object"], line["id"]) == ("plumbline.review", reply["id"])
    assert line["reasons"] == ["regenerated"]
    assert line["question"] == QUESTION
    assert line["answer"] == reply["choices"][0]["message"]["content"]
    assert line["reward"] is not None and line["class"] == "ideal"
    given(url, {"id": reply["id"], "type": "comment", "comment": "Hm.", "rater": "ann"})
    whole = httpx.get(f"{url}/v1/reviews/{reply['id']}").json()
    assert line.items() <= whole.items()
    assert whole["messages"] == policy.requests[0]["messages"], "as sent"
    assert whole["request"]["messages"] == [{"role": "user", "content": QUESTION}]
    assert whole["person"] == "zoe"
    rude, kind = whole["candidates"]
    assert (rude["served"], kind["served"], kind["attempt"]) == (False, True, 1)
    assert "idiot" in rude["verdict"]["evidence"]["insulting_language"]
    assert rude["verdict"]["propositions"]["insulting_language"] > 0.5
    assert [p["text"] for p in whole["passages"]] == [
        p["text"] for p in reply["plumbline"]["passages"]
    ]
    assert [one["comment"] for one in whole["feedback"]] == ["Hm."]
    assert whole["versions"]["policy"] == reply["plumbline"]["policy_version"]


def test_the_desk_shows_nothing_that_the_labels_of_the_caller_do_not_admit(
    keys: Keys, serve: Serve, secret_index: Path
) -> None:
    url = serve(server__keys_file=keys.file, index_dir=secret_index)
    ann, bob, eve, root = (keys.client(url, name) for name in ("ann", "bob", "eve", "root"))
    hers = chat(ann)["id"]
    down = {"id": hers, "type": "rating", "value": False}
    assert ann.post("/v1/feedback", json=down).status_code == 200

    def seen(client: httpx.Client) -> tuple[list[str], int]:
        page = client.get("/v1/reviews").json()
        return [one["id"] for one in page["data"]], page["total"]

    assert seen(ann) == ([hers], 1)
    assert seen(bob) == seen(root) == ([], 0)
    hidden, unknown = bob.get(f"/v1/reviews/{hers}"), bob.get("/v1/reviews/chatcmpl-none")
    assert hidden.status_code == unknown.status_code == 404
    assert hidden.text.replace(hers, "chatcmpl-none") == unknown.text, "existence is not told"
    assert eve.get("/v1/reviews").status_code == eve.get(f"/v1/reviews/{hers}").status_code == 403
    written = {"examples": [{"prompt": "Why?", "completion": "Because."}]}
    assert eve.post("/v1/demonstrations", json=written).status_code == 403
    stored = bob.post("/v1/demonstrations", json=written).json()["stored"]
    for client, status in ((bob, 200), (root, 200), (ann, 404)):
        assert client.get(f"/v1/reviews/{stored[0]}").status_code == status
    assert seen(bob) == ([], 0), "what people wrote needs nobody's review"


def test_the_queue_of_an_older_log_is_made_of_its_rows(tmp_path: Path) -> None:
    log = Log(tmp_path / "log.sqlite")
    refused_turn, liked, ruled = turn(decision="refuse"), turn(), turn(review=True)
    down = feedback(liked.id, "rating", value=False)
    write(log, refused_turn, liked, ruled, down, feedback(ruled.id, "ruling"))
    with log.reading() as connection:
        before = list(queued(connection, Queued(state="all"), OWNER))
    with log.writing() as connection:
        connection.execute("DROP TABLE review")
        m006_review(connection)
    with log.reading() as connection:
        assert list(queued(connection, Queued(state="all"), OWNER)) == before
    assert len(before) == 3
    log.close()


def test_demonstrations_are_stored_once_and_bad_ones_named(url: str, log: Log) -> None:
    examples = [
        {"prompt": "Where are the keys?", "completion": "At the desk."},
        {"prompt": "Why?"},
        {
            "instruction": "Answer in one word.",
            "examples": [{"question": "2+2?", "answer": "4"}, {"question": "3+3?", "answer": "6"}],
        },
        {"use_case": "chat", "prompt": "你好", "completion": "你好！", "user": "zoe"},
        {"prompt": "Why?", "chosen": "Because.", "rejected": "No."},
    ]
    body = {"examples": examples, "source_name": "desk", "dry_run": True}
    checked = httpx.post(f"{url}/v1/demonstrations", json=body).json()
    assert len(checked["stored"]) == 4
    assert list(log.completions(imports="only")) == []
    first = httpx.post(f"{url}/v1/demonstrations", json=body | {"dry_run": False}).json()
    assert first["policy_version"] == "import:desk"
    assert [one["index"] for one in first["rejected"]] == [1, 4]
    assert "its columns (prompt)" in first["rejected"][0]["reason"]
    assert "plumbline feedback import" in first["rejected"][1]["reason"]
    again = httpx.post(f"{url}/v1/demonstrations", json=body | {"dry_run": False}).json()
    assert (again["stored"], again["known"]) == ([], first["stored"])
    turns = {one.id: one for one in log.completions(imports="only")}
    assert set(turns) == set(first["stored"])
    assert [one.type for one in log.feedback() if one.completion_id in turns] == ["correction"] * 4
    wrong = httpx.post(f"{url}/v1/demonstrations", json=body | {"source_name": "../x"})
    assert refused(wrong, 400, "source_name")
