"""What people say over HTTP: taken, checked, waited for, superseded and read back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from click.testing import CliRunner

from contract.ids import uuid7
from feedback.log import Log
from feedback.records import CandidateRecord
from plumbline import cli
from tests.conftest import Serve, ask
from tests.feedback.test_export import rows, said
from tests.feedback.test_log import completion, write

QUESTION = "How many days of parental leave do I get?"
SHOWN = {"show_candidates": True, "candidates": 3}


def give(url: str, body: dict[str, Any], path: str = "/v1/feedback") -> httpx.Response:
    return httpx.post(f"{url}{path}", json=body, timeout=60)


def given(url: str, body: dict[str, Any], path: str = "/v1/feedback") -> dict[str, Any]:
    response = give(url, body, path)
    assert response.status_code == 200, response.text
    return response.json()


def refused(response: httpx.Response, status: int, param: str) -> str:
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert error["param"] == param
    return str(error["message"])


def read(url: str, completion_id: str, **query: Any) -> list[dict[str, Any]]:
    found = httpx.get(f"{url}/v1/feedback", params={"completion_id": completion_id} | query)
    assert found.status_code == 200, found.text
    return found.json()["data"]


def test_each_type_is_stored_and_read_back(serve: Serve) -> None:
    url = serve()
    reply = ask(url, QUESTION, plumbline=SHOWN)
    first, second, *_ = (c["id"] for c in reply["plumbline"]["candidates"])
    bodies: list[dict[str, Any]] = [
        {"type": "rating", "value": True},
        {"type": "rating", "value": 4, "candidate_id": second, "metric": "helpful"},
        {"type": "rating", "value": "ok", "comment": "太短了", "reason_codes": ["too_short"]},
        {"type": "pair", "preferred_id": second, "rejected_id": first},
        {"type": "tie", "tied_ids": [first, second], "value": "bad"},
        {"type": "ranking", "ranking": [second, first]},
        {"type": "correction", "correction": "80 working days.", "tags": {"page": "faq"}},
        {"type": "comment", "comment": "Please cite the handbook."},
        {"type": "comment", "reason_codes": ["not_cited"], "candidate_id": first},
    ]
    ids = [given(url, {"id": reply["id"], "rater": "ann"} | body)["id"] for body in bodies]
    found = read(url, reply["id"])
    assert [one["id"] for one in found] == ids
    for one, body in zip(found, bodies, strict=True):
        assert body.items() <= one.items()
        assert (one["rater"], one["state"]) == ("ann", "counts")
        assert one["completion_id"] == reply["id"]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"type": "rating"}, "value"),
        ({"type": "rating", "value": 6}, "value"),
        ({"type": "rating", "value": True, "correction": "Better."}, "correction"),
        ({"type": "correction", "correction": "Better.", "metric": "helpful"}, "metric"),
        ({"type": "correction", "correction": " "}, "correction"),
        ({"type": "pair", "preferred_id": "a"}, "rejected_id"),
        ({"type": "pair", "preferred_id": "a", "rejected_id": "a"}, "rejected_id"),
        (
            {"type": "pair", "preferred_id": "a", "rejected_id": "b", "candidate_id": "a"},
            "candidate_id",
        ),
        ({"type": "tie", "tied_ids": ["a", "b"]}, "value"),
        ({"type": "tie", "tied_ids": ["a", "b"], "value": True}, "value"),
        ({"type": "tie", "tied_ids": ["a", "a"], "value": "good"}, "tied_ids"),
        ({"type": "tie", "tied_ids": ["a"], "value": "good"}, "tied_ids"),
        ({"type": "rating", "tied_ids": ["a", "b"], "value": "good"}, "tied_ids"),
        ({"type": "ranking", "ranking": ["a"]}, "ranking"),
        ({"type": "ranking", "ranking": [["a", "b"], "a"]}, "ranking"),
        ({"type": "ranking", "ranking": [f"c{i}" for i in range(17)]}, "ranking"),
        ({"type": "comment"}, "comment"),
        ({"type": "comment", "comment": "  "}, "comment"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_field(
    serve: Serve, body: dict[str, Any], param: str
) -> None:
    assert refused(give(serve(), {"id": f"chatcmpl-{uuid7()}"} | body), 400, param)


def test_a_ranking_with_equal_places_makes_no_pair_of_them(serve: Serve, tmp_path: Path) -> None:
    url = serve()
    record = completion(id=f"chatcmpl-{uuid7()}")
    texts = ["best", "fair", "also fair", "worst"]
    ids = [f"{record.id}-{i}" for i in range(4)]
    log = Log(tmp_path / "log.sqlite")
    candidates = tuple(
        CandidateRecord(i, record.id, 0, 0, n, text, False, float(-n), "ideal", {})
        for n, (i, text) in enumerate(zip(ids, texts, strict=True))
    )
    write(log, completion(id=record.id, candidates=candidates))
    given(url, {"id": record.id, "type": "ranking", "ranking": [ids[0], ids[1:3], ids[3]]})
    found = rows(log, tmp_path / "rm", kind="rm")
    pairs = {(said(row, "chosen"), said(row, "rejected")) for row in found}
    assert pairs == {
        ("best", "fair"),
        ("best", "also fair"),
        ("best", "worst"),
        ("fair", "worst"),
        ("also fair", "worst"),
    }
    assert sum(row["weight"] for row in found) == pytest.approx(1)


def test_a_tie_names_answers_to_one_conversation(serve: Serve) -> None:
    url = serve()
    one, two, other = (ask(url, q)["id"] for q in (QUESTION, QUESTION, "Who pays for taxis?"))
    body = {"id": one, "type": "tie", "value": "good"}
    assert given(url, body | {"tied_ids": [one, two]})["status"] == "stored"
    wrong = give(url, body | {"tied_ids": [one, other]})
    assert "another conversation" in refused(wrong, 400, "tied_ids")
    arena = httpx.get(f"{url}/v1/arena").json()
    assert (arena["versions"], arena["left_out"]["same_version"]) == ([], 1)


def test_the_same_key_is_stored_once_and_never_hides_other_feedback(serve: Serve) -> None:
    url = serve()
    body = {"id": ask(url, QUESTION)["id"], "type": "rating", "value": True, "idempotency_key": "k"}
    first, again = given(url, body), given(url, body)
    assert (first["status"], again["status"]) == ("stored", "duplicate")
    assert first["id"] == again["id"]
    other = give(url, body | {"value": False})
    assert "other feedback" in refused(other, 400, "idempotency_key")
    assert len(read(url, body["id"])) == 1


def test_later_feedback_supersedes_and_both_can_be_read(serve: Serve) -> None:
    url = serve()
    body = {"id": ask(url, QUESTION)["id"], "type": "rating", "value": True}
    first = given(url, body)["id"]
    second = given(url, body | {"value": False, "supersedes": first})["id"]
    one, two = read(url, body["id"])
    assert (one["state"], one["superseded_by"], two["state"]) == ("superseded", second, "counts")
    assert "fb-none" in refused(give(url, body | {"supersedes": "fb-none"}), 400, "supersedes")


def test_early_feedback_waits_for_its_turn(serve: Serve, tmp_path: Path) -> None:
    url = serve()
    turn = f"chatcmpl-{uuid7()}"
    stored = given(url, {"id": turn, "type": "correction", "correction": "Twenty-seven."})
    assert stored["completion_known"] is False
    assert read(url, turn)[0]["state"] == "waiting"
    log = Log(tmp_path / "log.sqlite")
    assert rows(log, tmp_path / "before", kind="sft") == []
    write(log, completion(id=turn))
    assert read(url, turn)[0]["state"] == "counts"
    assert len(rows(log, tmp_path / "after", kind="sft")) == 1


def test_early_feedback_that_does_not_fit_its_turn_is_seen_and_never_exported(
    serve: Serve, tmp_path: Path
) -> None:
    url = serve()
    elsewhere = ask(url, QUESTION)["id"]
    turn = f"chatcmpl-{uuid7()}"
    given(url, {"id": turn, "type": "pair", "preferred_id": elsewhere, "rejected_id": f"{turn}-1"})
    given(
        url, {"id": turn, "type": "pair", "preferred_id": f"{turn}-0", "rejected_id": f"{turn}-1"}
    )
    log = Log(tmp_path / "log.sqlite")
    write(log, completion(id=turn))
    wrong, right = read(url, turn)
    assert (wrong["state"], right["state"]) == ("unfit", "counts")
    assert "another conversation" in wrong["reason"]
    (row,) = rows(log, tmp_path / "out", kind="dpo")
    assert (said(row, "chosen"), said(row, "rejected")) == ("27 days.", "Many days.")


@pytest.mark.parametrize(
    "identifier", ["chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT", "import-0", "cand-1", "x"]
)
def test_an_id_that_no_turn_can_have_waits_for_nothing(serve: Serve, identifier: str) -> None:
    body = {"id": identifier, "type": "rating", "value": True}
    assert "none can come" in refused(give(serve(), body), 404, "id")


def test_feedback_is_read_in_pages(serve: Serve) -> None:
    url = serve()
    turn = ask(url, QUESTION)["id"]
    ids = [given(url, {"id": turn, "type": "rating", "value": n})["id"] for n in (1, 2, 3)]
    query = {"completion_id": turn, "limit": 2}
    page = httpx.get(f"{url}/v1/feedback", params=query).json()
    assert (page["object"], page["has_more"]) == ("list", True)
    assert (page["first_id"], page["last_id"]) == (ids[0], ids[1])
    assert [one["id"] for one in read(url, turn, after=page["last_id"])] == ids[2:]
    assert [one["id"] for one in read(url, turn, order="desc")] == ids[::-1]
    for wrong, param in (({"type": "rating"}, "type"), ({"limit": 0}, "limit")):
        found = httpx.get(f"{url}/v1/feedback", params=query | wrong)
        assert refused(found, 400, param)
    assert refused(httpx.get(f"{url}/v1/feedback"), 400, "completion_id")
    unknown = httpx.get(f"{url}/v1/feedback", params={"completion_id": "chatcmpl-none"})
    assert refused(unknown, 404, "completion_id")


def test_feedback_is_read_by_raters_and_by_whose_turn_it_is(serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"
    clients = {}
    for name, role in (("ann", "reader"), ("bob", "rater"), ("eve", "reader"), ("root", "admin")):
        arguments = ["keys", "create", name, "--role", role, "--file", str(file)]
        key = CliRunner().invoke(cli, arguments).stdout.strip()
        clients[name] = {"authorization": f"Bearer {key}"}
    assert len(yaml.safe_load(file.read_text())["keys"]) == 4
    url = serve(server__keys_file=file)

    def status(name: str, turn: str) -> int:
        query = {"completion_id": turn}
        return httpx.get(f"{url}/v1/feedback", params=query, headers=clients[name]).status_code

    asked = {"model": "plumbline", "messages": [{"role": "user", "content": QUESTION}]}
    reply = httpx.post(f"{url}/v1/chat/completions", json=asked, headers=clients["ann"], timeout=60)
    turn = reply.json()["id"]
    assert [status(name, turn) for name in ("ann", "bob", "eve", "root")] == [200, 200, 403, 200]
    early = f"chatcmpl-{uuid7()}"
    body = {"id": early, "type": "comment", "comment": "Soon."}
    httpx.post(f"{url}/v1/feedback", json=body, headers=clients["bob"]).raise_for_status()
    assert [status(name, early) for name in ("ann", "bob", "eve", "root")] == [404, 200, 404, 200]
    arena = [httpx.get(f"{url}/v1/arena", headers=clients[name]) for name in ("ann", "bob")]
    assert [found.status_code for found in arena] == [403, 200]


@pytest.mark.parametrize(
    ("metric", "value", "said_here"),
    [
        ("draft_accepted", False, {"type": "rating", "value": False, "metric": "draft_accepted"}),
        ("stars", 4, {"type": "rating", "value": 4, "metric": "stars"}),
        ("stars", 5.0, {"type": "rating", "value": 5}),
        ("share", 0.75, {"type": "rating", "value": 4}),
        ("share", 0, {"type": "rating", "value": 1}),
        ("comment", "好", {"type": "comment", "comment": "好"}),
        ("demonstration", "80 days.", {"type": "correction", "correction": "80 days."}),
        (
            "demonstration",
            [{"type": "text", "text": "80 days."}],
            {"type": "correction", "correction": "80 days."},
        ),
    ],
)
def test_the_body_of_tensorzero_is_understood(
    serve: Serve, metric: str, value: Any, said_here: dict[str, Any]
) -> None:
    url = serve()
    turn = ask(url, QUESTION)["id"]
    tags = {"user": "ann", "page": "faq", "tensorzero::human_feedback": "true"}
    body = {"metric_name": metric, "value": value, "inference_id": turn, "tags": tags}
    reply = given(url, body, "/feedback")
    (one,) = read(url, turn)
    assert f"fb-{reply['feedback_id'].replace('-', '')}" == one["id"]
    assert said_here.items() <= one.items()
    assert (one["rater"], one["tags"]) == ("ann", {"page": "faq"})


def test_an_inference_may_be_named_by_its_uuid(serve: Serve) -> None:
    url = serve()
    turn = ask(url, QUESTION)["id"]
    digits = turn.removeprefix("chatcmpl-")
    dashed = "-".join(digits[a:b] for a, b in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32)))
    for scale, stars in (("0-1", 5), ("1-5", 1)):
        body = {"metric_name": "m", "value": 1, "inference_id": dashed, "tags": {"scale": scale}}
        given(url, body, "/feedback")
        assert read(url, turn)[-1]["value"] == stars


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({"metric_name": "m", "value": 1}, 400, "value"),
        ({"metric_name": "m", "value": 0.8}, 400, "value"),
        ({"metric_name": "m", "value": 10}, 400, "value"),
        ({"metric_name": "m", "value": "great"}, 400, "value"),
        ({"metric_name": "m"}, 400, "value"),
        ({"metric_name": "comment", "value": ""}, 400, "value"),
        ({"metric_name": "m", "value": 3, "tags": {"scale": "1-10"}}, 400, "tags"),
        ({"metric_name": "m", "value": True, "episode_id": "e"}, 400, "episode_id"),
        ({"metric_name": "m", "value": True, "inference_id": None}, 400, "inference_id"),
        ({"metric_name": "m", "value": True, "inference_id": "x"}, 404, "id"),
        ({"value": True}, 400, "metric_name"),
        ({"metric_name": "m", "value": True, "weight": 2}, 400, "weight"),
    ],
)
def test_what_of_tensorzero_has_no_meaning_here_is_refused(
    serve: Serve, body: dict[str, Any], status: int, param: str
) -> None:
    url = serve()
    turn = ask(url, QUESTION)["id"]
    assert refused(give(url, {"inference_id": turn} | body, "/feedback"), status, param)
    assert read(url, turn) == []


def test_a_dry_run_stores_nothing(serve: Serve) -> None:
    url = serve()
    turn = ask(url, QUESTION)["id"]
    body = {"metric_name": "m", "value": True, "inference_id": turn, "dryrun": True}
    assert given(url, body, "/feedback")["feedback_id"]
    assert read(url, turn) == []
    assert give(url, body | {"value": "x"}, "/feedback").status_code == 400
