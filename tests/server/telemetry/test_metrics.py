"""/metrics says what happened, in names that do not change and with labels that do not grow."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families

from contract.settings import share_metrics
from plumbline import cli
from tests.conftest import ROOT, Serve, ask, free_port
from tests.scripted_policy import ScriptedPolicy

QUESTION = "How many days of parental leave do I get?"
INSULT = "You are a worthless idiot and a stupid piece of trash."


class Scrape:
    """The samples of one answer of /metrics."""

    def __init__(self, url: str) -> None:
        self.text = httpx.get(f"{url}/metrics").text
        families = text_string_to_metric_families(self.text)
        self._samples = [sample for family in families for sample in family.samples]

    def __call__(self, name: str, **labels: str) -> float:
        """The sum of the samples of that name with (at least) these labels."""
        return sum(
            sample.value
            for sample in self._samples
            if sample.name == f"plumbline_{name}" and labels.items() <= sample.labels.items()
        )


def test_a_turn_is_counted_with_its_stages_tokens_and_outcome(
    serve: Serve, policy: ScriptedPolicy
) -> None:
    policy.script("Each employee gets 80 working days of parental leave [1].")
    url = serve(policy__url=policy.url)
    ask(url, QUESTION)
    body = {"model": "plumbline", "messages": [{"role": "user", "content": QUESTION}]}
    httpx.post(f"{url}/v1/chat/completions", json=body | {"stream": True}, timeout=60)
    seen = Scrape(url)
    for stage in ("retrieve", "prompt", "generate", "judge", "decide", "log"):
        assert seen("stage_seconds_count", stage=stage) == 2, stage
    assert seen("tokens_total", kind="prompt", policy_version="scripted") == 200
    assert seen("tokens_total", kind="completion") == 20
    assert seen("decisions_total", decision="serve", policy_version="scripted") == 2
    assert seen("reward_count", policy_version="scripted") == 2
    assert (seen("candidates_count"), seen("candidates_sum")) == (2, 2)
    assert (
        seen("regenerations_total") == seen("refusals_total") == seen("judge_failures_total") == 0
    )
    assert seen("first_token_seconds_count") == 1
    chat = {"route": "/v1/chat/completions", "method": "POST", "status": "200"}
    assert seen("request_seconds_count", **chat) == 2
    assert seen("requests_in_flight") == 0


def test_a_windowed_stream_is_counted_too(serve: Serve, policy: ScriptedPolicy) -> None:
    policy.script("Each employee gets 80 working days of parental leave [1]. It is paid [1].")
    url = serve(policy__url=policy.url, server__anonymous_tokens_per_minute=10)
    body = {
        "model": "plumbline",
        "messages": [{"role": "user", "content": QUESTION}],
        "stream": True,
        "plumbline": {"stream_mode": "windowed"},
    }
    asked = httpx.post(f"{url}/v1/chat/completions", json=body, timeout=60)
    assert asked.text.endswith("data: [DONE]\n\n")
    assert httpx.post(f"{url}/v1/chat/completions", json=body).status_code == 429
    other = serve(policy__url=policy.url)
    httpx.post(f"{other}/v1/chat/completions", json=body, timeout=60)
    seen = Scrape(other)
    assert seen("decisions_total", decision="serve") == 1
    assert seen("stage_seconds_count", stage="generate") == 1
    assert seen("stage_seconds_count", stage="judge") >= 2, "sentences, and the whole"
    assert seen("first_token_seconds_count") == 1


def test_a_refusal_is_counted_by_policy_version_and_style(
    serve: Serve, policy: ScriptedPolicy
) -> None:
    policy.script(INSULT)
    url = serve(policy__url=policy.url)
    assert ask(url, QUESTION)["plumbline"]["decision"] == "refuse"
    seen = Scrape(url)
    refused = {"source": "plumbline", "style": "hard_refuse", "policy_version": "scripted"}
    assert seen("refusals_total", **refused) == 1
    assert seen("decisions_total", decision="refuse") == 1
    assert seen("regenerations_total") == 1
    assert seen("candidates_sum") == 2
    assert seen("reward_count") == 0, "only what was served has a reward here"


def test_a_refusal_in_the_policys_own_words_is_told_apart(
    serve: Serve, policy: ScriptedPolicy
) -> None:
    policy.script("I'm sorry, but I can't help with that.")
    url = serve(policy__url=policy.url)
    assert ask(url, "Who is the king of Mars?")["choices"][0]["message"]["refusal"]
    seen = Scrape(url)
    assert seen("refusals_total", source="policy", policy_version="scripted") == 1
    assert seen("refusals_total", source="plumbline") == 0
    assert seen("decisions_total", decision="serve") == 1


def test_an_abstention_is_no_refusal(serve: Serve) -> None:
    url = serve()
    assert not ask(url, "Who is the king of Mars?")["plumbline"]["answered"]
    seen = Scrape(url)
    assert seen("abstentions_total") == 1
    assert seen("refusals_total") == 0


def test_a_judge_that_is_too_slow_is_counted(serve: Serve) -> None:
    url = serve(judge__timeout_seconds=0.0001)
    ask(url, QUESTION)
    assert Scrape(url)("judge_failures_total") >= 1


def test_the_state_of_index_and_policy_is_shown(serve: Serve, tmp_path: Path) -> None:
    seen = Scrape(serve())
    assert seen("policy_up") == 1
    assert seen("index_documents") > 10
    assert seen("index_chunks") > seen("index_documents")
    assert seen("index_info") == 1
    dead = Scrape(
        serve(
            policy__url=f"http://127.0.0.1:{free_port()}/v1",
            policy__model="m",
            index_dir=tmp_path / "none",
        )
    )
    assert dead("policy_up") == dead("index_chunks") == 0
    assert dead("log_queue") == 0


def test_a_turn_that_fails_is_counted_by_its_kind(serve: Serve, policy: ScriptedPolicy) -> None:
    policy.script((400, {"error": {"message": "no", "code": "a-code-of-its-own"}}))
    url = serve(policy__url=policy.url)
    body = {"model": "plumbline", "messages": [{"role": "user", "content": QUESTION}]}
    assert httpx.post(f"{url}/v1/chat/completions", json=body, timeout=30).status_code == 400
    seen = Scrape(url)
    assert seen("turn_errors_total", code="invalid_request") == 1
    assert "a-code-of-its-own" not in seen.text


def test_no_label_holds_what_a_caller_sends_or_is_called(serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"
    arguments = ["keys", "create", "zebra", "--role", "admin", "--file", str(file)]
    key = CliRunner().invoke(cli, arguments).stdout.strip()
    url = serve(server__keys_file=file)
    headers = {"authorization": f"Bearer {key}", "x-request-id": "zebra-1"}
    with httpx.Client(base_url=url, headers=headers, timeout=60) as client:
        body = {
            "model": "plumbline",
            "messages": [{"role": "user", "content": "zebra?"}],
            "user": "zebra",
        }
        assert client.post("/v1/chat/completions", json=body).status_code == 200
        for path in ("/zebra", "/v1/documents/zebra", "/v1/models/zebra", "/v1/models?zebra=1"):
            client.get(path)
        client.request("PROPFIND", "/v1/models")
        client.post("/v1/chat/completions", json=body | {"model": "zebra"})
        text = client.get("/metrics").text
    assert "zebra" not in text.lower()
    assert 'route="/v1/documents/{document_id}"' in text
    assert 'method="other"' in text


def test_metrics_are_for_admins_unless_they_are_opened(serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"
    arguments = ["keys", "create", "ann", "--role", "rater", "--file", str(file)]
    key = CliRunner().invoke(cli, arguments).stdout.strip()
    url = serve(server__keys_file=file)
    assert httpx.get(f"{url}/metrics").status_code == 401
    headers = {"authorization": f"Bearer {key}"}
    assert httpx.get(f"{url}/metrics", headers=headers).status_code == 403
    opened = serve(server__keys_file=file, server__open_metrics=True)
    assert httpx.get(f"{opened}/metrics").status_code == 200
    assert httpx.get(f"{opened}/v1/models").status_code == 401
    public = serve(server__allow_public=True)
    assert httpx.get(f"{public}/metrics").status_code == 403


COUNTING = """
import sys
from server.telemetry.metrics import Metrics
metrics = Metrics()
metrics.in_flight.inc()
metrics.turned_away.labels("overloaded").inc(int(sys.argv[1]))
if sys.argv[2] == "ends":
    metrics.close()
print(metrics.exposition("")[0].decode())
"""


@pytest.mark.parametrize(("end", "in_flight"), [("stays", 2.0), ("ends", 1.0)])
def test_processes_that_share_a_folder_show_their_sum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str, in_flight: float
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    left = tmp_path / "metrics" / "counter_1.db"
    left.parent.mkdir()
    left.write_bytes(b"of an earlier run")
    share_metrics(left.parent)
    assert not left.exists()

    def run(count: int, end: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", COUNTING, str(count), end],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    run(3, end)
    text = run(4, "stays")
    assert 'plumbline_turned_away_total{code="overloaded"} 7.0' in text
    assert f"plumbline_requests_in_flight {in_flight}" in text
