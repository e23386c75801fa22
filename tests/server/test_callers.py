"""Keys, labels and roles: who may ask what, and what nobody else may see."""

from __future__ import annotations

import hashlib
import logging
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import openai
import pytest
import yaml
from click.testing import CliRunner

from contract.errors import ConfigurationError
from contract.settings import Settings
from plumbline import cli
from server.wiring import build
from tests.conftest import Serve, ask, serving

SALARY = "What is the salary of the managing director?"


@dataclass(frozen=True)
class Keys:
    """A keys file, and a client for each name in it."""

    file: Path
    secrets: dict[str, str]
    opened: ExitStack

    def client(self, url: str, name: str) -> httpx.Client:
        headers = {"authorization": f"Bearer {self.secrets[name]}"}
        return self.opened.enter_context(httpx.Client(base_url=url, headers=headers, timeout=60))


def run(*arguments: str) -> str:
    result = CliRunner().invoke(cli, ["keys", *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[Keys]:
    file = tmp_path / "keys" / "keys.yaml"
    secrets = {
        "ann": run("new", "ann", "--label", "hr", "--role", "rater", "--file", str(file)),
        "bob": run("new", "bob", "--label", "sales", "--role", "rater", "--file", str(file)),
        "eve": run("new", "eve", "--file", str(file)),
        "root": run("new", "root", "--role", "admin", "--file", str(file)),
    }
    with ExitStack() as opened:
        yield Keys(file, secrets, opened)


def chat(client: httpx.Client, question: str = SALARY, **fields: object) -> dict:
    body = {"model": "plumbline", "messages": [{"role": "user", "content": question}]} | fields
    response = client.post("/v1/chat/completions", json=body)
    assert response.status_code == 200, response.text
    return response.json()


def test_without_a_known_key_nothing_answers_but_the_health_check(keys: Keys, serve: Serve) -> None:
    url = serve(server__keys_file=keys.file)
    routes = ["/docs", "/openapi.json", "/v1/models", "/v1/documents/x", "/v1/none"]
    for path in routes:
        for headers in ({}, {"authorization": "Bearer pl-wrong"}, {"authorization": "Basic x"}):
            response = httpx.get(url + path, headers=headers)
            assert response.status_code == 401, path
            assert response.json()["error"]["code"] == "invalid_api_key"
            assert response.headers["www-authenticate"] == "Bearer"
    assert httpx.get(f"{url}/healthz").status_code == 200
    stranger = openai.OpenAI(base_url=f"{url}/v1", api_key="pl-wrong")
    with stranger, pytest.raises(openai.AuthenticationError):
        stranger.models.list()
    with openai.OpenAI(base_url=f"{url}/v1", api_key=keys.secrets["eve"]) as client:
        assert client.models.list().data[0].id == "plumbline"


def test_answers_passages_and_documents_hold_only_what_the_caller_may_see(
    keys: Keys, serve: Serve, secret_index: Path
) -> None:
    url = serve(server__keys_file=keys.file, index_dir=secret_index)
    ann, bob = keys.client(url, "ann"), keys.client(url, "bob")
    hers, his = chat(ann), chat(bob)
    assert "914,000" in hers["choices"][0]["message"]["content"]
    assert "914,000" not in str(his)
    assert [p["title"] for p in his["plumbline"]["passages"]] == ["Canteen"]
    link = hers["plumbline"]["passages"][0]["url"]
    assert ann.get(link).status_code == 200
    hidden, unknown = bob.get(link), bob.get("/v1/documents/none")
    assert hidden.status_code == unknown.status_code == 404
    document_id = link.split("/")[-1].split("#")[0]
    assert hidden.text.replace(document_id, "none") == unknown.text, "existence is not told"


def test_a_stored_turn_is_shown_to_those_who_may_see_its_passages(
    keys: Keys, serve: Serve, secret_index: Path
) -> None:
    url = serve(server__keys_file=keys.file, index_dir=secret_index)
    ann, bob, eve = (keys.client(url, name) for name in ("ann", "bob", "eve"))
    secret, public = chat(ann)["id"], chat(bob, "What does lunch cost in the canteen?")["id"]
    shown = {
        name: [c["id"] for c in client.get("/v1/chat/completions").json()["data"]]
        for name, client in (("ann", ann), ("bob", bob), ("eve", eve))
    }
    assert secret in shown["ann"] and secret not in shown["bob"] + shown["eve"]
    assert ann.get(f"/v1/chat/completions/{secret}").json()["plumbline"]["log"]["person"] == "ann"
    for path in (f"/v1/chat/completions/{secret}", f"/v1/chat/completions/{secret}/messages"):
        assert bob.get(path).status_code == 404
    rating = {"id": secret, "type": "rating", "value": True}
    assert bob.post("/v1/feedback", json=rating).status_code == 404
    assert ann.post("/v1/feedback", json=rating).json()["status"] == "stored"
    pair = {"id": public, "type": "pair", "preferred_id": secret, "rejected_id": public}
    refused = bob.post("/v1/feedback", json=pair)
    assert refused.status_code in (400, 404)
    assert "conversation" not in refused.text, "that the turn exists is not told"


def test_a_follow_up_that_repeats_a_secret_answer_stays_with_its_labels(
    keys: Keys, serve: Serve, secret_index: Path
) -> None:
    url = serve(server__keys_file=keys.file, index_dir=secret_index)
    ann, eve = keys.client(url, "ann"), keys.client(url, "eve")
    conversation = [
        {"role": "user", "content": SALARY},
        {"role": "assistant", "content": "914,000 euros."},
        {"role": "user", "content": "What does lunch cost in the canteen?"},
    ]
    turn = chat(ann, messages=conversation, plumbline={"k": 1})["id"]
    assert ann.get(f"/v1/chat/completions/{turn}/messages").status_code == 200
    assert eve.get(f"/v1/chat/completions/{turn}/messages").status_code == 404


def test_roles_allow_what_they_say(keys: Keys, serve: Serve) -> None:
    url = serve(server__keys_file=keys.file)
    eve, ann, root = (keys.client(url, name) for name in ("eve", "ann", "root"))
    turn = chat(eve, "How many days of parental leave do I get?")["id"]
    judged = {"prompt": "How long?", "completion": "Two weeks."}
    assert eve.post("/v1/judge", json=judged).status_code == 200
    rating = {"id": turn, "type": "rating", "value": True}
    refused = eve.post("/v1/feedback", json=rating)
    assert refused.status_code == 403
    assert "rater" in refused.json()["error"]["message"]
    assert ann.post("/v1/feedback", json=rating).status_code == 200
    assert root.post("/v1/feedback", json=rating).status_code == 200


def test_a_key_can_be_added_and_withdrawn_while_the_server_runs(
    keys: Keys, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    url = serve(server__keys_file=keys.file)
    late = run("new", "late", "--file", str(keys.file))
    headers = {"authorization": f"Bearer {late}"}
    assert httpx.get(f"{url}/v1/models", headers=headers).status_code == 200
    whole = keys.file.read_text()
    with caplog.at_level(logging.ERROR):
        keys.file.write_text("keys: [{name: broken")
        assert httpx.get(f"{url}/v1/models", headers=headers).status_code == 200
    assert "the old keys stay in force" in caplog.text
    content = yaml.safe_load(whole)
    content["keys"] = [key for key in content["keys"] if key["name"] != "late"]
    keys.file.write_text(yaml.safe_dump(content))
    assert httpx.get(f"{url}/v1/models", headers=headers).status_code == 401
    assert keys.client(url, "ann").get("/v1/models").status_code == 200


def test_a_key_reaches_neither_log_nor_output(keys: Keys, data_dir: Path, tmp_path: Path) -> None:
    config = tmp_path / "settings.yaml"
    config.write_text(
        yaml.safe_dump(
            {
                "data_dir": str(tmp_path / "data"),
                "index_dir": str(data_dir / "index"),
                "server": {"keys_file": str(keys.file)},
            }
        )
    )
    with serving(tmp_path / "said", "--config", str(config)) as (url, process):
        client = keys.client(url, "ann")
        chat(client)
        client.get(f"/v1/none?key={keys.secrets['ann']}")
        httpx.get(f"{url}/v1/models", headers={"authorization": "Bearer pl-somebody-elses"})
    written = b"".join(p.read_bytes() for p in (tmp_path / "data").rglob("*") if p.is_file())
    for secret in (keys.secrets["ann"], "pl-somebody-elses"):
        assert secret not in process.said
        assert secret.encode() not in written
    assert hashlib.sha256(keys.secrets["ann"].encode()).hexdigest() in keys.file.read_text()
    assert keys.secrets["ann"] not in keys.file.read_text()


def test_the_keys_file_is_for_its_owner_only_and_keeps_comments(keys: Keys) -> None:
    assert stat.S_IMODE(keys.file.stat().st_mode) == 0o600
    keys.file.write_text("# the keys of our team\n" + keys.file.read_text())
    run("new", "joe", "--label", "b", "--label", "a", "--file", str(keys.file))
    assert keys.file.read_text().startswith("# the keys of our team\n")
    listed = run("list", "--file", str(keys.file))
    assert [line.split()[0] for line in listed.splitlines()] == ["ann", "bob", "eve", "root", "joe"]
    assert "a, b" in listed
    again = CliRunner().invoke(cli, ["keys", "new", "joe", "--file", str(keys.file)])
    assert again.exit_code == 1
    assert "already" in again.output


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "plumbline keys create"),
        ("keys: [{name: a", "no YAML"),
        ("keys: [{name: a, sha256: short}]", "keys.0.sha256"),
        ("keyz: []", "keyz"),
        (f"keys: [{{name: a, sha256: {'0' * 63}a, role: king}}]", "keys.0.role"),
        (f"keys: [{{name: a, sha256: {'0' * 63}a, labels: ['a b']}}]", "no label"),
    ],
)
def test_a_broken_keys_file_keeps_the_server_from_starting(
    tmp_path: Path, content: str | None, says: str
) -> None:
    file = tmp_path / "keys.yaml"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigurationError, match=says):
        build(Settings().replace({"server.keys_file": file, "data_dir": tmp_path}))


def test_anonymous_callers_have_the_labels_of_the_settings(
    serve: Serve, secret_index: Path
) -> None:
    assert "914,000" not in str(ask(serve(index_dir=secret_index), SALARY))
    url = serve(index_dir=secret_index, server__anonymous_labels=("hr",))
    assert "914,000" in str(ask(url, SALARY))


def test_a_page_of_another_site_can_not_speak_to_a_server_without_keys(server_url: str) -> None:
    for origin, status in (("https://evil.example", 403), ("null", 403), (server_url, 200)):
        response = httpx.get(f"{server_url}/v1/models", headers={"origin": origin})
        assert response.status_code == status
