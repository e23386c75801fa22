"""Promotion over HTTP and by command, with servers that load adapters as vLLM does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from contract.settings import Settings
from plumbline import cli
from server.callers import KeyRecord
from server.keys_file import add_key
from server.promotion.registry import read_state
from server.wiring import build
from tests.adapter_server import AdapterServer
from tests.conftest import Serve, ask, listening
from tests.server.engine.test_process import eventually
from tests.server.promotion.adapters import make_adapter, make_evaluation, with_metric

QUESTION = "How many days of parental leave do I get?"


@pytest.fixture
def engines() -> Iterator[list[AdapterServer]]:
    """Two servers of the same model."""
    with ExitStack() as stack:
        found = []
        for _ in range(2):
            server = AdapterServer()
            server.script("You get 80 working days [1].")
            server.url = f"{stack.enter_context(listening(server.app))}/v1"
            found.append(server)
        yield found


@pytest.fixture
def url(engines: list[AdapterServer], serve: Serve) -> str:
    return serve(policy__urls=tuple(engine.url for engine in engines), policy__model="scripted")


def policy(url: str, data: Path, *arguments: str) -> Any:
    """`plumbline policy …`: what it prints as JSON, or the sentence with which it ends."""
    command = ["policy", *arguments, "--url", url, "--data-dir", str(data), "--json"]
    result = CliRunner().invoke(cli, command)
    return json.loads(result.stdout) if result.exit_code == 0 else result.stderr


def version_of(url: str, user: str = "ann", **fields: Any) -> str:
    return str(ask(url, QUESTION, user=user, **fields)["plumbline"]["policy_version"])


FORCED = ("--force", "--reason", "a first trial")


def test_an_evaluated_version_goes_live_step_by_step_and_comes_back(
    url: str, engines: list[AdapterServer], tmp_path: Path
) -> None:
    run = make_adapter(tmp_path / "polite")
    refused = policy(url, tmp_path, "promote", str(run), "--share", "10")
    assert "gates fail" in refused
    assert "evaluation: there is none" in refused
    assert [engine.loaded for engine in engines] == [{}, {}]

    listed = policy(url, tmp_path, "list")
    stored = next(one for one in listed["data"] if one["version"] != "base")
    good = make_evaluation(stored["digest"])
    (tmp_path / "eval").mkdir()
    (tmp_path / "eval" / "evaluation.json").write_text(good.model_dump_json())
    evaluated = ("--evaluation", str(tmp_path / "eval"))
    half = policy(url, tmp_path, "promote", "polite", "--share", "50", *evaluated)
    version = stored["version"]
    assert (half["service"], half["candidate"], half["share"]) == ("base", version, 50)
    assert [set(engine.loaded) for engine in engines] == [{version}, {version}]
    assert {version_of(url, f"user-{n}") for n in range(24)} == {"scripted", version}

    whole = policy(url, tmp_path, "promote", "polite", "--share", "100")
    assert whole["service"] == version
    reply = ask(url, QUESTION)
    assert reply["plumbline"]["policy_version"] == version
    assert reply["system_fingerprint"] == f"fp_{version}"
    stored_reply = httpx.get(f"{url}/v1/chat/completions/{reply['id']}").json()
    assert stored_reply["plumbline"]["policy_version"] == version
    (model,) = httpx.get(f"{url}/v1/models").json()["data"]
    assert model["plumbline"]["policy"]["version"] == version
    named = {one["version"] for one in model["plumbline"]["policy"]["versions"]}
    assert named == {"scripted", version}
    metrics = httpx.get(f"{url}/metrics").text
    assert f'policy_version="{version}"' in metrics

    back = policy(url, tmp_path, "rollback", "--reason", "just because")
    assert back["service"] == "base"
    assert version_of(url) == "scripted"
    assert [(e["what"], e["share"]) for e in back["history"]] == [
        ("promote", 50),
        ("promote", 100),
        ("rollback", 0),
    ]
    assert all(entry["forced"] == [] and entry["who"] for entry in back["history"])
    assert "nothing to roll back" in policy(url, tmp_path, "rollback")


def test_gates_that_fail_are_told_and_forcing_past_them_is_kept(url: str, tmp_path: Path) -> None:
    run = make_adapter(tmp_path / "worse")
    policy(url, tmp_path, "promote", str(run), "--share", "0")
    stored = policy(url, tmp_path, "list")["data"][1]
    bad = with_metric(make_evaluation(stored["digest"]), "win_rate", 0.31, 0.45)
    (tmp_path / "evaluation.json").write_text(bad.model_dump_json())
    step = ("promote", "worse", "--share", "50", "--evaluation", str(tmp_path / "evaluation.json"))
    refused = policy(url, tmp_path, *step)
    assert "1 of 9 gates fail" in refused
    assert "win_rate: 0.380 [0.310, 0.450]" in refused
    assert "reason" in policy(url, tmp_path, *step, "--force")
    forced = policy(url, tmp_path, *step, *FORCED)
    entry = forced["history"][-1]
    assert entry["reason"] == "a first trial"
    assert entry["forced"] == [
        gate for gate in entry["forced"] if gate.startswith("win_rate: 0.38")
    ]
    assert len(entry["evaluation"]) == 64
    assert read_state(tmp_path / "policies.json").history[-1].forced == tuple(entry["forced"])


def test_a_candidate_is_taken_back_at_once_and_raters_may_ask_for_it_before(
    url: str, tmp_path: Path
) -> None:
    run = make_adapter(tmp_path / "polite")
    loaded = policy(url, tmp_path, "promote", str(run), "--share", "0")
    version = loaded["candidate"]
    assert version_of(url) == "scripted"
    assert version_of(url, plumbline={"policy": version}) == version
    policy(url, tmp_path, "promote", "polite", "--share", "99", *FORCED)
    assert version in {version_of(url, f"user-{n}") for n in range(10)}
    policy(url, tmp_path, "rollback")
    assert {version_of(url, f"user-{n}") for n in range(10)} == {"scripted"}
    body = {"model": "plumbline", "messages": [{"role": "user", "content": "Hi"}]}
    body["plumbline"] = {"policy": version}
    gone = httpx.post(f"{url}/v1/chat/completions", json=body)
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "policy_not_found")


def test_all_attempts_and_candidates_of_a_turn_come_from_one_version(
    url: str, engines: list[AdapterServer], tmp_path: Path
) -> None:
    policy(url, tmp_path, "promote", str(make_adapter(tmp_path / "x")), "--share", "50", *FORCED)
    for engine in engines:
        engine.requests.clear()
        engine.script("You are a complete idiot.")
    for number in range(12):
        before = sum(len(engine.requests) for engine in engines)
        reply = ask(url, QUESTION, user=f"user-{number}", plumbline={"candidates": 2})
        asked = [r["model"] for engine in engines for r in engine.requests]
        assert reply["plumbline"]["attempts"] == 2
        assert len(asked) > before
        version = reply["plumbline"]["policy_version"]
        assert {r["model"] for e in engines for r in e.requests} == {version}
        for engine in engines:
            engine.requests.clear()


def test_a_server_that_was_started_again_is_given_its_adapters(
    url: str, engines: list[AdapterServer], tmp_path: Path
) -> None:
    policy(url, tmp_path, "promote", str(make_adapter(tmp_path / "x")), "--share", "100", *FORCED)
    for engine in engines:
        engine.loaded.clear()
    (version,) = {version_of(url, f"user-{n}") for n in range(6)}
    assert [set(engine.loaded) for engine in engines] == [{version}, {version}]


def test_where_one_server_refuses_none_has_it(
    url: str, engines: list[AdapterServer], tmp_path: Path
) -> None:
    engines[1].refuses = "this adapter is too large"
    run = str(make_adapter(tmp_path / "x"))
    assert "too large" in policy(url, tmp_path, "promote", run, "--share", "100", *FORCED)
    engines[1].refuses, engines[1].lora = "", False
    assert "engine.lora" in policy(url, tmp_path, "promote", run, "--share", "100", *FORCED)
    assert [engine.loaded for engine in engines] == [{}, {}]
    assert read_state(tmp_path / "policies.json").history == ()
    assert version_of(url) == "scripted"


def test_a_version_that_was_changed_on_disk_is_not_promoted(url: str, tmp_path: Path) -> None:
    run = make_adapter(tmp_path / "x")
    policy(url, tmp_path, "promote", str(run), "--share", "0")
    version = policy(url, tmp_path, "rollback")["data"][1]["version"]
    weights = tmp_path / "policies" / version / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x07")
    refused = policy(url, tmp_path, "promote", version, "--share", "100", *FORCED)
    assert "hash has changed" in refused


@pytest.mark.parametrize("name", ["../../etc", "/etc/passwd", "policies/x", "..", "%2e%2e"])
def test_no_name_becomes_a_path(url: str, name: str) -> None:
    body = {"name": name, "share": 0}
    assert httpx.post(f"{url}/v1/policies", json=body).status_code == 404


def test_promotion_outlives_the_server_and_every_process_follows_it(
    engines: list[AdapterServer], serve: Serve, tmp_path: Path
) -> None:
    settings = {"policy__url": engines[0].url, "policy__model": "scripted"}
    first, second = serve(**settings), serve(**settings)
    run = make_adapter(tmp_path / "x")
    version = policy(first, tmp_path, "promote", str(run), "--share", "100", *FORCED)["service"]
    eventually(lambda: version_of(second) == version, seconds=5)
    engines[0].loaded.clear()
    assert version_of(serve(**settings)) == version
    policy(second, tmp_path, "rollback")
    eventually(lambda: version_of(first) == "scripted", seconds=5)


def test_two_versions_are_compared_by_what_was_logged_and_said(
    url: str, engines: list[AdapterServer], tmp_path: Path
) -> None:
    run = make_adapter(tmp_path / "x")
    version = policy(url, tmp_path, "promote", str(run), "--share", "50", *FORCED)["candidate"]
    engines[1].script("You are a complete idiot.")
    said: dict[str, list[dict[str, Any]]] = {"scripted": [], version: []}
    for number in range(16):
        reply = ask(url, QUESTION, user=f"user-{number}")
        said[reply["plumbline"]["policy_version"]].append(reply)

    def feedback(reply: dict[str, Any], **body: Any) -> None:
        sent = httpx.post(f"{url}/v1/feedback", json={"id": reply["id"], **body})
        assert sent.status_code == 200, sent.text

    for reply in said[version]:
        feedback(reply, type="rating", value=True)
    sides = [ask(url, QUESTION, plumbline={"policy": name}) for name in ("base", version)]
    old, new = (reply["id"] for reply in sides)
    feedback(sides[1], type="pair", preferred_id=new, rejected_id=old)
    found = policy(url, tmp_path, "compare", "base", "x")
    assert [found[side]["version"] for side in "ab"] == ["scripted", version]
    for side, replies in zip((found["a"], found["b"]), said.values(), strict=True):
        assert side["turns"] == len(replies)
        served = sum(reply["plumbline"]["decision"] == "serve" for reply in replies)
        assert (side["served"], side["refused"]) == (served, len(replies) - served)
        again = sum(reply["plumbline"]["attempts"] > 1 for reply in replies)
        assert side["regenerated"] == again
    ratings = sum(reply["plumbline"]["decision"] == "serve" for reply in said[version])
    assert found["b"]["thumbs_up"] == found["b"]["ratings"] == ratings
    assert found["pairs"]["b_preferred"] == 1
    assert found["pairs"]["b_share"]["low"] == pytest.approx(0.2065, abs=1e-4)
    shown = CliRunner().invoke(
        cli, ["policy", "compare", "scripted", version, "--data-dir", str(tmp_path)]
    )
    assert f"People preferred {version} in 1 of 1 pairs: 100 % [21, 100]." in shown.output


def test_without_a_server_the_files_tell_and_a_rollback_is_written(
    url: str, tmp_path: Path
) -> None:
    run = make_adapter(tmp_path / "x")
    policy(url, tmp_path, "promote", str(run), "--share", "100", *FORCED)
    data = ["--data-dir", str(tmp_path)]
    listed = CliRunner().invoke(cli, ["policy", "list", *data])
    assert "in service" in listed.output
    assert "a first trial" in listed.output
    config = tmp_path / "settings.yaml"
    config.write_text("server: {port: 9}\n")
    back = CliRunner().invoke(cli, ["policy", "rollback", *data, "--config", str(config)])
    assert "written to the files" in back.output
    assert read_state(tmp_path / "policies.json").service == "base"
    eventually(lambda: version_of(url) == "scripted", seconds=5)


def test_only_admins_change_what_is_in_service(
    engines: list[AdapterServer], serve: Serve, tmp_path: Path
) -> None:
    keys = tmp_path / "keys.yaml"
    for role in ("reader", "rater", "admin"):
        digest = hashlib.sha256(role.encode()).hexdigest()
        add_key(keys, KeyRecord(name=f"{role}-key", sha256=digest, role=role))  # type: ignore[arg-type]
    url = serve(policy__url=engines[0].url, server__keys_file=keys)

    def send(role: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        headers = {"authorization": f"Bearer {role}"}
        method = "GET" if body is None else "POST"
        return httpx.request(method, f"{url}{path}", json=body, headers=headers)

    for role in ("reader", "rater"):
        assert send(role, "/v1/policies").status_code == 403
        assert send(role, "/v1/policies", {"name": "x", "share": 1}).status_code == 403
        assert send(role, "/v1/policies/rollback", {}).status_code == 403
        assert send(role, "/v1/policies/compare?a=base&b=x").status_code == 403
    asked = {"model": "plumbline", "messages": [{"role": "user", "content": QUESTION}]}
    asked["plumbline"] = {"policy": "base"}
    assert send("reader", "/v1/chat/completions", asked).status_code == 403
    assert send("rater", "/v1/chat/completions", asked).status_code == 200
    run = make_adapter(tmp_path / "x")
    forced = ["promote", str(run), "--share", "100", *FORCED, "--api-key", "admin"]
    assert policy(url, tmp_path, *forced)["history"][0]["who"] == "admin-key"


def test_the_embedded_reader_has_nothing_to_promote(serve: Serve, tmp_path: Path) -> None:
    run = make_adapter(tmp_path / "x")
    assert "embedded reader" in policy(serve(), tmp_path, "promote", str(run), "--share", "1")


def test_a_damaged_registry_stops_the_start_and_not_a_running_server(
    url: str, engines: list[AdapterServer], data_dir: Path, tmp_path: Path
) -> None:
    (tmp_path / "policies.json").write_text('{"schema_version": 1, "service": 3}')
    assert version_of(url) == "scripted"
    settings = Settings().replace(
        {
            "data_dir": tmp_path,
            "index_dir": data_dir / "index",
            "policy.url": engines[0].url,
        }
    )
    with pytest.raises(Exception, match="policies.json can't be understood"):
        build(settings)
