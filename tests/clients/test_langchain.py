"""LangChain's ChatOpenAI against the running server."""

from __future__ import annotations

import pytest

from tests.clients.program import CaseFailed, Program
from tests.clients.test_openai_python import QUESTION
from tests.scripted_policy import ScriptedPolicy

CHINESE = "年假可以结转到下一年吗？"
CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "book_leave", "arguments": '{"days": 3}'},
}


@pytest.mark.parametrize(
    ("question", "contains"), [(QUESTION, "80 working days"), (CHINESE, "最多 5 天")]
)
def test_a_question_is_answered(
    langchain: Program, server_url: str, question: str, contains: str
) -> None:
    whole = langchain("invoke", server_url, question=question)
    assert contains in whole["content"]
    assert (whole["finish_reason"], whole["model"]) == ("stop", "plumbline")
    assert whole["usage"]["total_tokens"] > whole["usage"]["output_tokens"] > 0
    streamed = langchain("stream", server_url, question=question)
    assert streamed["content"] == whole["content"]
    assert streamed["pieces"] > 3
    assert streamed["usage"]["total_tokens"] == whole["usage"]["total_tokens"]


def test_batches_and_async_calls_are_answered(langchain: Program, server_url: str) -> None:
    answers = langchain("at_once", server_url, questions=[QUESTION, CHINESE])
    for english, chinese in answers.values():
        assert "80 working days" in english
        assert "最多 5 天" in chinese


def test_bound_tools_are_called_and_their_results_answered_from(
    langchain: Program, policy: ScriptedPolicy, scripted_url: str
) -> None:
    policy.script({"content": None, "tool_calls": [CALL]}, "Three days are booked [1].")
    done = langchain("tool_loop", scripted_url, question="Book three days of leave.")
    assert [(c["name"], c["args"]) for c in done["calls"]] == [("book_leave", {"days": 3})]
    assert done["content"] == "Three days are booked [1]."
    assert policy.requests[1]["messages"][-1]["content"] == "Booked: 3 days."


def test_tool_calls_are_streamed(
    langchain: Program, policy: ScriptedPolicy, scripted_url: str
) -> None:
    policy.script({"content": None, "tool_calls": [CALL]})
    (call,) = langchain("streamed_tool_call", scripted_url, question="Book three days of leave.")
    assert (call["name"], call["args"], call["id"]) == ("book_leave", {"days": 3}, "call_1")


@pytest.mark.parametrize("method", ["json_schema", "json_mode", "function_calling"])
def test_structured_output_is_parsed(
    langchain: Program, policy: ScriptedPolicy, scripted_url: str, method: str
) -> None:
    called = CALL | {"function": {"name": "Leave", "arguments": '{"days": 80}'}}
    calls = {"content": None, "tool_calls": [called]}
    policy.script(calls if method == "function_calling" else '{"days": 80}')
    asked = {"question": f"{QUESTION} Answer as JSON.", "method": method}
    assert langchain("structured", scripted_url, **asked) == 80


def test_what_is_refused_is_an_error_of_its_own(langchain: Program, server_url: str) -> None:
    with pytest.raises(CaseFailed, match="top_logprobs") as raised:
        langchain("invoke", server_url, question=QUESTION, top_logprobs=3)
    assert (raised.value.kind, raised.value.status) == ("OpenAIInvalidRequestError", 400)
    with pytest.raises(CaseFailed, match="context") as raised:
        langchain("invoke", server_url, question=QUESTION, max_tokens=10**6)
    assert raised.value.kind == "OpenAIContextOverflowError"
