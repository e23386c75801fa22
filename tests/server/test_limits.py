"""Limits of requests and tokens: refused above them, told when to come back, let in again."""

from __future__ import annotations

from pathlib import Path

import httpx
import openai
import pytest
from click.testing import CliRunner

from contract.errors import RateLimited
from plumbline import cli
from server.limits import Limiter, Limits
from tests.conftest import Serve
from tests.scripted_policy import ScriptedPolicy

BODY = {"model": "plumbline", "messages": [{"role": "user", "content": "How long is the leave?"}]}


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_requests_come_back_evenly() -> None:
    clock = Clock()
    budget = Limiter(clock).budget("ann", Limits(requests_per_minute=6))
    assert budget is not None
    for _ in range(6):
        budget.admit()
    with pytest.raises(RateLimited) as refused:
        budget.admit()
    assert (refused.value.kind, refused.value.seconds) == ("requests", pytest.approx(10))
    assert "6 a minute" in refused.value.message and "10s" in refused.value.message
    clock.now += 10.01
    budget.admit()
    with pytest.raises(RateLimited):
        budget.admit()


def test_an_answer_may_overdraw_the_tokens_and_the_next_request_waits() -> None:
    clock = Clock()
    budget = Limiter(clock).budget("ann", Limits(tokens_per_minute=600, tokens_per_day=864_000))
    assert budget is not None
    budget.admit()
    budget.charge(1200)
    with pytest.raises(RateLimited) as refused:
        budget.admit()
    assert (refused.value.kind, refused.value.seconds) == ("tokens", pytest.approx(60.1))
    clock.now += 61
    budget.admit()


def test_the_day_is_a_limit_of_its_own() -> None:
    clock = Clock()
    budget = Limiter(clock).budget("ann", Limits(tokens_per_minute=10_000, tokens_per_day=8_640))
    assert budget is not None
    budget.charge(8_640)
    clock.now += 5
    with pytest.raises(RateLimited, match="8640 a day"):
        clock.now -= 5
        budget.admit()
    clock.now += 60
    budget.admit()
    assert (b"x-ratelimit-limit-tokens", b"8640") in budget.headers()


def test_callers_do_not_share_a_budget_and_new_limits_begin_anew() -> None:
    limiter, one = Limiter(Clock()), Limits(requests_per_minute=1)
    first = limiter.budget("ann", one)
    assert first is not None and limiter.budget("ann", one) is first
    first.admit()
    other, wider = limiter.budget("bob", one), limiter.budget("ann", Limits(requests_per_minute=2))
    assert other is not None and wider is not None
    other.admit()
    wider.admit()
    assert limiter.budget("eve", Limits()) is None


def test_a_key_over_its_requests_gets_openais_429(tmp_path: Path, serve: Serve) -> None:
    file = tmp_path / "keys.yaml"
    arguments = ["keys", "create", "ann", "--requests-per-minute", "2", "--file", str(file)]
    key = CliRunner().invoke(cli, arguments).stdout.strip()
    url = serve(server__keys_file=file)
    headers = {"authorization": f"Bearer {key}"}
    for left in ("1", "0"):
        response = httpx.get(f"{url}/v1/models", headers=headers)
        assert response.headers["x-ratelimit-limit-requests"] == "2"
        assert response.headers["x-ratelimit-remaining-requests"] == left
        assert response.headers["x-ratelimit-reset-requests"].endswith("s")
    refused = httpx.get(f"{url}/v1/models", headers=headers)
    assert refused.status_code == 429
    error = refused.json()["error"]
    assert (error["type"], error["code"]) == ("requests", "rate_limit_exceeded")
    assert 1 <= int(refused.headers["retry-after"]) <= 30
    client = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)
    with client, pytest.raises(openai.RateLimitError):
        client.models.list()
    assert httpx.get(f"{url}/healthz").status_code == 200, "who watches has no limit"


@pytest.mark.parametrize("stream", [False, True])
def test_tokens_of_anonymous_callers_are_counted_after_the_answer(
    serve: Serve, policy: ScriptedPolicy, stream: bool
) -> None:
    policy.script("Leave is long [1].")
    url = serve(policy__url=policy.url, server__anonymous_tokens_per_minute=50)
    first = httpx.post(f"{url}/v1/chat/completions", json=BODY | {"stream": stream}, timeout=30)
    assert first.status_code == 200, "what an answer costs is not known before"
    if not stream:
        assert first.headers["x-ratelimit-remaining-tokens"] == "0"
    second = httpx.post(f"{url}/v1/chat/completions", json=BODY)
    assert (second.status_code, second.json()["error"]["type"]) == (429, "tokens")
    assert len(policy.requests) == 1
