"""One Plumbline in front of several model servers."""

from __future__ import annotations

import httpx
import pytest

from contract.errors import ConfigurationError
from contract.settings import Settings
from tests.conftest import ask, free_port
from tests.scripted_policy import ScriptedPolicy

QUESTION = "How many days of parental leave do I get?"


def test_a_question_is_answered_though_one_server_is_down(
    serve: object, policy: ScriptedPolicy
) -> None:
    policy.script("Each employee gets 80 working days of parental leave. [1]")
    gone = f"http://127.0.0.1:{free_port()}/v1"
    url = serve(policy__urls=[gone, policy.url], policy__model="scripted")  # type: ignore[operator]
    for _ in range(3):
        assert "80 working days" in ask(url, QUESTION)["choices"][0]["message"]["content"]
    assert httpx.get(f"{url}/healthz").status_code == 200
    shown = httpx.get(f"{url}/v1/models").json()["data"][0]["plumbline"]["servers"]
    assert {server["url"]: server["healthy"] for server in shown} == {
        gone: False,
        policy.url: True,
    }


def test_where_all_servers_are_down_the_health_says_which(serve: object) -> None:
    urls = [f"http://127.0.0.1:{free_port()}/v1" for _ in range(2)]
    url = serve(policy__urls=urls, policy__model="m")  # type: ignore[operator]
    body = {"model": "plumbline", "messages": [{"role": "user", "content": QUESTION}]}
    answer = httpx.post(f"{url}/v1/chat/completions", json=body, timeout=30)
    assert answer.status_code == 503
    assert all(gone in answer.json()["error"]["message"] for gone in urls)
    health = httpx.get(f"{url}/healthz", timeout=30)
    assert health.status_code == 503
    assert all(gone in health.json()["problems"]["policy"] for gone in urls)


def test_urls_come_from_the_environment_with_commas_or_as_json(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for given in ("http://a/v1, http://b/v1", '["http://a/v1", "http://b/v1"]'):
        monkeypatch.setenv("PLUMBLINE_POLICY__URLS", given)
        settings = Settings.load()
        assert settings.policy.servers == ("http://a/v1", "http://b/v1")
        assert settings.policy.engine_in_force == "openai"
    monkeypatch.setenv("PLUMBLINE_POLICY__URLS", "[http://a/v1")
    with pytest.raises(ConfigurationError, match=r"policy\.urls"):
        Settings.load()
