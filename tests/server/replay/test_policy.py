"""Another policy, asked by the logged prompts."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from fastapi import Request
from fastapi.responses import Response

from contract.errors import ConfigurationError, PolicyUnavailable
from plumbline import cli
from server.replay.change import change_of
from server.replay.run import Options
from tests.conftest import listening
from tests.scripted_policy import ScriptedPolicy
from tests.server.replay.conftest import INSULT, PLAIN, Replay, Served, lines


def test_logged_prompts_go_to_the_new_policy_and_its_answers_are_judged(
    replayed: Replay, served: Served, policy: ScriptedPolicy
) -> None:
    policy.script(PLAIN)
    summary, flips = replayed(policy=f"{policy.url}#scripted")
    names = {name for name, i in served.ids.items() if i in flips}
    assert "plain" not in names
    assert {"rival", "refused by Plumbline", "refusal", "two choices"} <= names
    (refused,) = flips[served.ids["refused by Plumbline"]]["choices"]
    assert refused["before"]["decision"] == "try again" or refused["before"]["decision"].startswith(
        "refuse"
    )
    assert (refused["after"]["decision"], refused["after"]["answer"]) == ("serve", PLAIN)
    log = served.log()
    sent = log.completion(served.ids["two choices"]).prompt
    log.close()
    asked = [body for body in policy.requests if body.get("n") == 2]
    assert sent in [body["messages"] for body in asked]
    assert len(asked) == 2  # two choices, and two candidates
    cost = summary["cost"]["policy"]
    assert (cost["requests"], cost["failed"]) == (len(policy.requests), 0)
    assert cost["completion_tokens"] >= 10 * len(served.ids)
    assert summary["reward"]["interval"] is not None


def test_failures_are_counted_and_listed_and_nothing_is_sent_twice(
    served: Served, policy: ScriptedPolicy, tmp_path: Path
) -> None:
    broken = (500, {"error": {"message": "broken"}})
    policy.script(broken, PLAIN, broken, PLAIN)
    out = tmp_path / "out"
    arguments = ["replay", "--policy", policy.url, "--out", str(out), "--limit", "4"]
    arguments += ["--concurrency", "1", "--data-dir", str(served.settings.data_dir)]
    ran = CliRunner().invoke(cli, arguments)
    assert ran.exit_code == 3, ran.output
    failed = lines(out / "failed.jsonl")
    assert len(failed) == 2
    assert all(line["reason"].startswith("policy_unavailable") for line in failed)
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["turns"], summary["failed"]) == (2, 2)
    assert len(policy.requests) == 4


def test_what_the_new_policy_says_wrong_is_tried_again_as_it_would_be(
    replayed: Replay, served: Served, policy: ScriptedPolicy
) -> None:
    policy.script(INSULT)
    summary, flips = replayed(policy=policy.url, options=Options(limit=3))
    decisions = {c["after"]["decision"] for line in flips.values() for c in line["choices"]}
    assert decisions == {"refuse (hard_refuse)"}
    assert {c["after"]["attempts"] for line in flips.values() for c in line["choices"]} == {2}
    assert summary["cost"]["policy"]["requests"] == 6


def test_the_policy_is_never_asked_more_often_at_once(replayed: Replay) -> None:
    busy = Busy()
    busy.script(PLAIN)
    with listening(busy.app) as url:
        replayed(policy=f"{url}/v1", options=Options(concurrency=3))
    assert busy.most == 3


def test_a_policy_that_is_not_there_ends_the_replay(replayed: Replay) -> None:
    with pytest.raises(PolicyUnavailable, match="can't be reached"):
        replayed(policy="http://127.0.0.1:9/v1")


def test_a_name_needs_an_engine_that_serves_it(served: Served) -> None:
    embedded = served.settings.model_copy(update={"policy": type(served.settings.policy)()})
    with pytest.raises(ConfigurationError, match="name no engine"):
        change_of(embedded, None, rubric=None, index=None, policy="policy-2")
    change = change_of(served.settings, None, rubric=None, index=None, policy="policy-2")
    assert change.new.policy.model == "policy-2"


def test_a_key_goes_to_no_server_that_it_was_not_set_for(served: Served) -> None:
    settings = served.settings.replace({"policy.api_key": "secret"})
    same, other = (
        change_of(settings, None, rubric=None, index=None, policy=url).new.policy
        for url in (f"{settings.policy.url}#a", "http://127.0.0.1:9/v1#a")
    )
    assert same.api_key is not None
    assert other.api_key is None
    assert other.servers == ("http://127.0.0.1:9/v1",)


class Busy(ScriptedPolicy):
    """It knows how many requests it had at once."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0

    async def _chat(self, request: Request) -> Response:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.05)
        try:
            return await super()._chat(request)
        finally:
            self.now -= 1
