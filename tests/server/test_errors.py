"""Bad input: OpenAI's error shape, a sentence that helps, and a server that stays up."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.conftest import Serve, ask, free_port

USER = [{"role": "user", "content": "How many days of parental leave do I get?"}]


def post(url: str, body: object, path: str = "/v1/chat/completions") -> httpx.Response:
    if isinstance(body, bytes):
        headers = {"content-type": "application/json"}
        return httpx.post(url + path, content=body, headers=headers, timeout=30)
    return httpx.post(url + path, json=body, timeout=30)


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        (b'{"model": ', 400, "invalid_json", None),
        (b"", 400, None, None),
        ({"messages": USER}, 400, None, "model"),
        ({"model": "plumbline"}, 400, None, "messages"),
        ({"model": "plumbline", "messages": []}, 400, None, "messages"),
        ({"model": "plumbline", "messages": [{"role": "user", "content": "  "}]}, 400, None, None),
        (
            {"model": "plumbline", "messages": [{"role": "king", "content": "x"}]},
            400,
            None,
            "messages[0].role",
        ),
        ({"model": "gpt-9", "messages": USER}, 404, "model_not_found", "model"),
        ({"model": "plumbline", "messages": USER, "stop": ""}, 400, None, None),
        ({"model": "plumbline", "messages": USER, "stop": [""]}, 400, None, None),
        ({"model": "plumbline", "messages": USER, "seed": 10**30}, 400, None, "seed"),
        ({"model": "plumbline", "messages": USER, "max_tokens": 10**30}, 400, None, "max_tokens"),
        ({"model": "plumbline", "messages": USER, "store": False}, 400, None, None),
        (
            b'{"model": "plumbline", "messages": [{"role": "user", "content": "x"}], "plumbline": '
            b'{"filters": '
            + b'{"type": "and", "filters": [' * 300
            + b'{"type": "eq", "key": "a", "value": 1}'
            + b"]}" * 300
            + b"}}",
            400,
            None,
            None,
        ),
        (
            b'{"model": "plumbline", "messages": [{"role": "user", "content": "\\ud800"}]}',
            400,
            None,
            None,
        ),
        (
            {"model": "plumbline", "messages": [{"role": "user", "content": "x" * 1_500_000}]},
            400,
            "context_length_exceeded",
            "messages",
        ),
        (
            {"model": "plumbline", "messages": USER, "tools": []},
            400,
            "empty_array",
            "tools",
        ),
        ({"model": "plumbline", "messages": USER, "temperature": 9}, 400, None, "temperature"),
        (
            {"model": "plumbline", "messages": USER, "plumbline": {"collection": "x"}},
            404,
            "collection_not_found",
            None,
        ),
        (
            {"model": "plumbline", "messages": [{"role": "user", "content": "leave " * 9000}]},
            400,
            "context_length_exceeded",
            "messages",
        ),
    ],
)
def test_a_bad_request_is_told_what_is_wrong(server_url, body, status, code, param) -> None:
    response = post(server_url, body)
    error = response.json()["error"]
    assert response.status_code == status, response.text
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"
    assert len(error["message"]) > 10
    if code:
        assert error["code"] == code
    if param:
        assert error["param"] == param
    assert ask(server_url, USER[0]["content"])["plumbline"]["answered"], "the server stays up"


def test_a_stream_that_cannot_begin_has_the_status_of_its_error(server_url) -> None:
    body = {
        "model": "plumbline",
        "messages": USER,
        "stream": True,
        "plumbline": {"collection": "x"},
    }
    assert post(server_url, body).status_code == 404


def test_a_body_that_is_too_large_is_turned_away(server_url) -> None:
    assert post(server_url, b"[" + b" " * 3_000_000).status_code == 413


@pytest.mark.parametrize(
    ("host", "status"),
    [("evil.example", 403), ("evil.example:8000", 403), ("localhost:1", 200), ("[::1]:8000", 200)],
)
def test_a_request_addressed_to_another_name_is_refused(server_url, host: str, status: int) -> None:
    response = httpx.get(f"{server_url}/v1/models", headers={"host": host})
    assert response.status_code == status


def test_an_unknown_path_has_the_same_shape(server_url) -> None:
    response = httpx.get(f"{server_url}/v1/nothing")
    assert response.status_code == 404
    assert "GET /v1/nothing" in response.json()["error"]["message"]


def test_the_code_says_what_is_wrong(server_url) -> None:
    wrong_method = httpx.put(f"{server_url}/v1/models")
    assert (wrong_method.status_code, wrong_method.headers["allow"]) == (405, "GET")
    assert wrong_method.json()["error"]["code"] == "method_not_allowed"
    broken_form = httpx.post(
        f"{server_url}/v1/documents",
        content=b"--x\r\nnonsense",
        headers={"content-type": "multipart/form-data; boundary=b"},
    )
    assert broken_form.status_code == 400
    assert broken_form.json()["error"]["code"] == "invalid_request"


def test_unknown_things_are_404(server_url) -> None:
    for path in ("/v1/chat/completions/none", "/v1/documents/none", "/v1/models/none"):
        response = httpx.get(server_url + path)
        assert response.status_code == 404
        assert response.json()["error"]["message"]


@pytest.mark.parametrize(
    "body",
    [
        {"id": "x", "type": "rating"},
        {"id": "x", "type": "pair", "preferred_id": "a", "rejected_id": "a"},
        {"id": "x", "type": "rating", "value": 9},
        {"id": "x", "type": "applause", "value": 1},
        {"id": "x", "type": "rating", "value": 1.0},
        {"id": "x", "type": "correction", "correction": "  "},
    ],
)
def test_feedback_that_lacks_something_is_refused(server_url, body) -> None:
    assert post(server_url, body, "/v1/feedback").status_code == 400


def test_feedback_on_an_unknown_candidate_is_refused(server_url) -> None:
    reply = ask(server_url, USER[0]["content"])
    body = {"id": reply["id"], "type": "pair", "preferred_id": "cand-1", "rejected_id": "cand-2"}
    response = post(server_url, body, "/v1/feedback")
    assert response.status_code == 400
    assert response.json()["error"]["param"] == "preferred_id"


def test_feedback_can_only_supersede_feedback_on_the_same_completion(server_url) -> None:
    reply = ask(server_url, USER[0]["content"])
    body = {"id": reply["id"], "type": "rating", "value": True, "supersedes": "fb-typo"}
    response = post(server_url, body, "/v1/feedback")
    assert response.status_code == 400
    assert response.json()["error"]["param"] == "supersedes"


def test_null_is_as_good_as_absent(server_url) -> None:
    assert ask(server_url, USER[0]["content"], n=None, stop=None, plumbline=None)


def test_a_dead_policy_is_503_and_not_healthy(serve: Serve) -> None:
    url = serve(policy__url=f"http://127.0.0.1:{free_port()}/v1", policy__model="m")
    response = post(url, {"model": "plumbline", "messages": USER})
    assert response.status_code == 503
    assert "Is it running" in response.json()["error"]["message"]
    health = httpx.get(f"{url}/healthz")
    assert health.status_code == 503
    assert "policy" in health.json()["problems"]


def test_without_an_index_nothing_is_healthy_but_the_server_runs(
    serve: Serve, tmp_path: Path
) -> None:
    url = serve(index_dir=tmp_path / "none")
    health = httpx.get(f"{url}/healthz")
    assert health.status_code == 503
    assert "plumbline ingest" in health.json()["problems"]["index"]
    response = post(url, {"model": "plumbline", "messages": USER})
    assert response.status_code == 503
    assert response.json()["error"]["code"] == "not_ready"
