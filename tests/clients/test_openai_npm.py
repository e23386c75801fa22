"""npm's openai against the running server."""

from __future__ import annotations

from tests.clients.program import Program
from tests.clients.test_openai_python import ASKED, BOOK, CALL
from tests.scripted_policy import ScriptedPolicy

CHINESE = [{"role": "user", "content": "年假可以结转到下一年吗？"}]


def test_a_question_is_answered_and_cited(npm: Program, server_url: str) -> None:
    reply = npm("chat", server_url, messages=CHINESE)
    message = reply["choices"][0]["message"]
    assert "最多 5 天" in message["content"]
    cited = message["annotations"][0]["url_citation"]
    assert message["content"][cited["start_index"] : cited["end_index"]] == "[1]"
    assert reply["plumbline"]["answered"] is True


def test_a_stream_says_the_same(npm: Program, server_url: str) -> None:
    whole = npm("chat", server_url, messages=ASKED)
    streamed = npm("stream", server_url, messages=ASKED)
    assert streamed["content"] == whole["choices"][0]["message"]["content"]
    assert streamed["usage"] == whole["usage"]
    windowed = {"plumbline": {"stream_mode": "windowed"}}
    assert "80 working days" in npm("stream", server_url, messages=ASKED, **windowed)["content"]


def test_the_streaming_helper_assembles_tool_calls(
    npm: Program, policy: ScriptedPolicy, scripted_url: str
) -> None:
    policy.script({"content": None, "tool_calls": [CALL]})
    final = npm("helper", scripted_url, messages=ASKED, tools=[BOOK])
    (choice,) = final["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["tool_calls"][0]["function"]["arguments"] == '{"days": 3}'


def test_the_sdk_runs_tools_by_itself(
    npm: Program, policy: ScriptedPolicy, scripted_url: str
) -> None:
    policy.script({"content": None, "tool_calls": [CALL]}, "Three days are booked [1].")
    done = npm("run_tools", scripted_url, messages=ASKED)
    assert done == {"booked": [3], "content": "Three days are booked [1]."}
    assert policy.requests[1]["messages"][-1]["content"] == "Booked: 3 days."


def test_errors_are_the_sdks_own(npm: Program, server_url: str) -> None:
    error = npm("error", server_url, messages=ASKED, temperature=9)
    message = error.pop("message")
    assert "temperature" in message
    assert error == {
        "name": "BadRequestError",
        "status": 400,
        "param": "temperature",
        "code": "decimal_above_max_value",
        "type": "invalid_request_error",
    }
    missing = npm("error", server_url, messages=ASKED, model="gpt-9")
    assert (missing["name"], missing["code"]) == ("NotFoundError", "model_not_found")


def test_stored_completions_are_listed_over_pages_and_deleted(
    npm: Program, policy: ScriptedPolicy, scripted_url: str
) -> None:
    policy.script("80 working days [1].")
    team = {"metadata": {"team": "npm"}}
    made = [npm("chat", scripted_url, messages=ASKED, **team)["id"] for _ in range(5)]
    npm("chat", scripted_url, messages=ASKED)
    assert npm("stored", scripted_url, **team) == made
    gone = npm("remove", scripted_url, id=made[2])
    assert gone == {"object": "chat.completion.deleted", "id": made[2], "deleted": True}
    assert npm("stored", scripted_url, **team) == [*made[:2], *made[3:]]
