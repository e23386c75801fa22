"""`plumbline feedback list`, `show` and `stats`, over a log that a real server wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from contract.ids import uuid7
from feedback.log import Log
from plumbline import cli
from tests.conftest import Serve, ask
from tests.feedback.test_log import completion, write
from tests.scripted_policy import ScriptedPolicy

QUESTION = "How many days of parental leave do I get?"


def run(folder: Path, *arguments: str) -> str:
    result = CliRunner().invoke(cli, ["feedback", *arguments, "--data-dir", str(folder)])
    assert result.exit_code == 0, result.output
    return result.stdout


def listed(folder: Path, *arguments: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run(folder, "list", "--json", *arguments).splitlines()]


@pytest.fixture
def told(serve: Serve, tmp_path: Path) -> dict[str, str]:
    """A turn with a rating that was superseded, a correction by somebody else, and early feedback."""
    url = serve()
    reply = ask(url, QUESTION, plumbline={"show_candidates": True})
    ids = {"turn": reply["id"], "early": f"chatcmpl-{uuid7()}"}

    def give(name: str, **body: Any) -> None:
        response = httpx.post(f"{url}/v1/feedback", json={"id": ids["turn"]} | body)
        ids[name] = response.json()["id"]

    give("up", type="rating", value=True, rater="ann")
    give("down", type="rating", value=2, rater="ann", supersedes=ids["up"], comment="[red]错[/red]")
    give("better", type="correction", correction="80 working days.", rater="bob")
    give("waiting", id=ids["early"], type="comment", comment="Too slow.")
    return ids


def test_a_list_says_of_each_whether_it_counts(told: dict[str, str], tmp_path: Path) -> None:
    states = {row["id"]: row["state"] for row in listed(tmp_path)}
    assert states == {
        told["up"]: "superseded",
        told["down"]: "counts",
        told["better"]: "counts",
        told["waiting"]: "waiting",
    }
    shown = run(tmp_path, "list")
    assert len(shown.splitlines()) == 5
    for words in ("thumbs up", "2 of 5", "[red]错[/red]", "better: 80 working days.", "waiting"):
        assert words in shown


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["--type", "rating"], ["up", "down"]),
        (["--rater", "bob"], ["better"]),
        (["--limit", "2"], ["better", "waiting"]),
        (["--since", "1h"], ["up", "down", "better", "waiting"]),
        (["--until", "1h"], []),
        (["--since", "2026-01-01T00:00+01:00", "--until", "2026-01-02"], []),
        (["--policy", "nobody"], []),
    ],
)
def test_a_list_can_be_narrowed(
    told: dict[str, str], tmp_path: Path, arguments: list[str], names: list[str]
) -> None:
    assert [row["id"] for row in listed(tmp_path, *arguments)] == [told[name] for name in names]


def test_a_list_of_one_completion(told: dict[str, str], tmp_path: Path) -> None:
    assert [r["id"] for r in listed(tmp_path, "--completion", told["early"])] == [told["waiting"]]


def test_a_time_that_is_none_is_a_usage_error(told: dict[str, str], tmp_path: Path) -> None:
    arguments = ["feedback", "list", "--since", "yesterday", "--data-dir", str(tmp_path)]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 2
    assert "7d" in result.output


def test_show_explains_a_turn(told: dict[str, str], tmp_path: Path) -> None:
    record = Log(tmp_path / "log.sqlite").completion(told["turn"])
    shown = run(tmp_path, "show", told["turn"])
    for candidate in record.candidates:
        assert candidate.id in shown
        assert f"{candidate.reward:+.2f}" in shown
    for words in (QUESTION, record.reply["plumbline"]["reason"], record.policy_version, "served"):
        assert words in shown
    assert f"superseded: {told['down']}" in shown
    told_json = json.loads(run(tmp_path, "show", told["turn"], "--json"))
    assert len(told_json["candidates"]) == len(record.candidates)
    assert [row["state"] for row in told_json["feedback"]] == ["superseded", "counts", "counts"]


def test_show_takes_a_candidate_and_a_turn_that_has_not_landed(
    told: dict[str, str], tmp_path: Path
) -> None:
    record = Log(tmp_path / "log.sqlite").completion(told["turn"])
    shown = json.loads(run(tmp_path, "show", record.candidates[-1].id, "--json"))
    assert shown["id"] == told["turn"]
    assert "Too slow." in run(tmp_path, "show", told["early"])
    gone = CliRunner().invoke(cli, ["feedback", "show", "x", "--data-dir", str(tmp_path)])
    assert gone.exit_code == 1
    assert "no completion 'x'" in gone.output


def test_stats_speak_of_each_policy_version_and_rater(told: dict[str, str], tmp_path: Path) -> None:
    stats = json.loads(run(tmp_path, "stats", "--json"))
    (policy,) = stats["policies"].values()
    assert (policy["turns"], policy["rated_turns"], policy["ratings"]) == (1, 1, 1)
    assert (policy["thumbs_up_share"], policy["refusal_share"]) == (0.0, 0.0)
    assert policy["mean_reward_n"] == 1
    assert stats["states"] == {"counts": 2, "superseded": 1, "waiting": 1, "unfit": 0}
    assert stats["raters"] == {"ann": 1, "bob": 1}
    assert stats["waiting_since"]
    shown = run(tmp_path, "stats")
    assert "0 % (n=1)" in shown
    assert "1 for their turn" in shown


def test_a_callers_mistake_is_no_failure_of_the_policy(
    policy: ScriptedPolicy, serve: Serve, tmp_path: Path
) -> None:
    policy.script("80 working days [1].", (500, {"error": {"message": "broken"}}))
    url = serve(policy__url=policy.url, policy__candidates=1)
    ask(url, QUESTION, plumbline={"k": 1})
    body = {"model": "plumbline", "messages": [{"role": "user", "content": "word " * 5000}]}
    assert httpx.post(f"{url}/v1/chat/completions", json=body, timeout=60).status_code == 400
    body["messages"] = [{"role": "user", "content": QUESTION}]
    failed = httpx.post(f"{url}/v1/chat/completions", json=body, timeout=60)
    assert failed.status_code == 503
    (counts,) = json.loads(run(tmp_path, "stats", "--json"))["policies"].values()
    assert counts["turns"] == 1
    assert counts["callers_errors"] == {"context_length_exceeded": 1}
    assert counts["failed"] == {"policy_unavailable": 1}
    assert "1 context_length_exceeded; no failures of a policy" in run(tmp_path, "stats")


def test_who_hung_up_is_counted_apart(tmp_path: Path) -> None:
    log = Log(tmp_path / "log.sqlite")
    gone = {"error": {"message": "The caller hung up.", "code": "client_closed_request"}}
    write(log, completion(), completion(decision="error", reply=gone, answered=False))
    (counts,) = json.loads(run(tmp_path, "stats", "--json"))["policies"].values()
    assert (counts["turns"], counts["hung_up"], counts["failed"]) == (1, 1, {})


def test_imports_are_counted_by_their_source(tmp_path: Path) -> None:
    file = tmp_path / "pilot.jsonl"
    file.write_text('{"prompt": "Q?", "completion": "A.", "label": true}\n')
    run(tmp_path, "import", str(file))
    stats = json.loads(run(tmp_path, "stats", "--json"))
    assert (stats["imports"], stats["policies"]) == ({"pilot": 1}, {})
    assert "1 pilot" in run(tmp_path, "stats")
    (row,) = listed(tmp_path, "--policy", "import:pilot")
    assert row["value"] is True
    assert "imported from pilot" in run(tmp_path, "show", row["completion_id"])
