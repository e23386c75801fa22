"""LiteLLM's client against the running server."""

from __future__ import annotations

import pytest

from tests.clients.program import CaseFailed, Program
from tests.clients.test_openai_python import ASKED, BOOK, CALL
from tests.scripted_policy import ScriptedPolicy

CHINESE = [{"role": "user", "content": "年假可以结转到下一年吗？"}]


def test_a_question_is_answered_and_cited(litellm: Program, server_url: str) -> None:
    reply = litellm("completion", server_url, messages=ASKED)
    message = reply["choices"][0]["message"]
    assert "80 working days" in message["content"]
    assert message["annotations"][0]["type"] == "url_citation"
    assert reply["usage"]["total_tokens"] > 0


def test_a_stream_says_the_same(litellm: Program, server_url: str) -> None:
    whole = litellm("completion", server_url, messages=CHINESE)
    streamed = litellm("stream", server_url, messages=CHINESE)
    said = [reply["choices"][0]["message"]["content"] for reply in (whole, streamed)]
    assert said[0] == said[1]
    assert "最多 5 天" in said[0]
    assert streamed["usage"]["completion_tokens"] == whole["usage"]["completion_tokens"]


def test_a_tool_is_called_and_its_result_is_answered_from(
    litellm: Program, policy: ScriptedPolicy, scripted_url: str
) -> None:
    policy.script({"content": None, "tool_calls": [CALL]}, "Three days are booked [1].")
    done = litellm("tool_loop", scripted_url, messages=ASKED, tools=[BOOK])
    assert done == {"calls": ["book_leave"], "content": "Three days are booked [1]."}


def test_fields_reach_the_policy(
    litellm: Program, policy: ScriptedPolicy, scripted_url: str
) -> None:
    policy.script('{"days": 80}')
    form = {"type": "json_object"}
    given = {"temperature": 0.3, "seed": 7, "stop": ["END"], "response_format": form}
    litellm("completion", scripted_url, messages=ASKED, max_tokens=40, **given)
    sent = policy.requests[0]
    assert {name: sent[name] for name in given} == given
    assert sent["max_tokens"] == 40


def test_errors_are_litellms_own(litellm: Program, server_url: str) -> None:
    with pytest.raises(CaseFailed, match="top_logprobs") as raised:
        litellm("completion", server_url, messages=ASKED, top_logprobs=3)
    assert (raised.value.kind, raised.value.status) == ("BadRequestError", 400)
    with pytest.raises(CaseFailed, match="context") as raised:
        litellm("completion", server_url, messages=ASKED, max_tokens=10**6)
    assert raised.value.kind == "ContextWindowExceededError"
