"""Every field of OpenAI's request is honoured, passed on, or refused by name."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.conftest import Serve, ask
from tests.scripted_policy import ScriptedPolicy

QUESTION = "How many days of parental leave do I get?"
TOOL = {
    "type": "function",
    "function": {
        "name": "book_leave",
        "description": "Book days of leave.",
        "parameters": {"type": "object", "properties": {"days": {"type": "integer"}}},
        "strict": True,
    },
}
CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "book_leave", "arguments": '{"days": 3}'},
}
PIXEL = "data:image/png;base64,iVBORw0KGgo="

PASSED = {
    "frequency_penalty": 0.5,
    "presence_penalty": -0.5,
    "logit_bias": {"50": 1.0},
    "logprobs": True,
    "top_logprobs": 3,
    "parallel_tool_calls": False,
    "reasoning_effort": "low",
    "response_format": {"type": "json_object"},
    "seed": 7,
    "stop": ["END"],
    "temperature": 0.3,
    "tool_choice": "auto",
    "tools": [TOOL],
    "top_p": 0.5,
    "top_k": 5,
    "min_p": 0.1,
    "repetition_penalty": 1.1,
    "min_tokens": 2,
    "structured_outputs": {"regex": "a+"},
    "chat_template_kwargs": {"enable_thinking": False},
}
ACCEPTED = {
    "max_completion_tokens": 50,
    "metadata": {"team": "hr"},
    "modalities": ["text"],
    "prompt_cache_key": "chat-1",
    "safety_identifier": "ann",
    "service_tier": "auto",
    "store": True,
    "user": "ann",
    "verbosity": "medium",
}
REFUSED = {
    "audio": {"voice": "alloy", "format": "wav"},
    "function_call": "auto",
    "functions": [{"name": "f"}],
    "modalities": ["audio"],
    "moderation": {},
    "n": 0,
    "no_such_field": 1,
    "prediction": {"type": "content", "content": "x"},
    "prompt_cache_retention": "24h",
    "service_tier": "flex",
    "store": False,
    "stream_options": {"include_usage": True},
    "tool_choice": "required",
    "top_logprobs": 3,
    "verbosity": "high",
    "web_search_options": {},
}


def send(url: str, messages: list[dict], **fields: object) -> httpx.Response:
    body = {"model": "plumbline", "messages": messages} | fields
    return httpx.post(f"{url}/v1/chat/completions", json=body, timeout=60)


@pytest.mark.parametrize("name", sorted(PASSED))
def test_what_the_policy_does_reaches_it(policy: ScriptedPolicy, serve: Serve, name: str) -> None:
    policy.script("80 working days [1].")
    needs = {"top_logprobs": {"logprobs": True}, "tool_choice": {"tools": [TOOL]}}
    ask(serve(policy__url=policy.url), QUESTION, **{name: PASSED[name]} | needs.get(name, {}))
    assert policy.requests[0][name] == PASSED[name]


@pytest.mark.parametrize("name", sorted(ACCEPTED))
def test_what_plumbline_itself_does_is_taken(serve: Serve, name: str) -> None:
    reply = ask(serve(), QUESTION, **{name: ACCEPTED[name]})
    assert "80 working days" in reply["choices"][0]["message"]["content"]


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_nobody_does_is_refused_by_name(
    policy: ScriptedPolicy, serve: Serve, name: str
) -> None:
    messages = [{"role": "user", "content": QUESTION}]
    response = send(serve(policy__url=policy.url), messages, **{name: REFUSED[name]})
    assert response.status_code == 400
    assert name in response.json()["error"]["message"]
    assert policy.requests == []


@pytest.mark.parametrize(
    "name",
    ["logit_bias", "logprobs", "min_tokens", "response_format", "structured_outputs", "tools"],
)
def test_the_reader_refuses_what_quoting_can_not_do(serve: Serve, name: str) -> None:
    messages = [{"role": "user", "content": QUESTION}]
    response = send(serve(), messages, **{name: PASSED[name]})
    assert response.status_code == 400
    assert response.json()["error"]["param"] == name


def test_a_tool_call_comes_back_and_its_result_is_answered_from(
    policy: ScriptedPolicy, serve: Serve
) -> None:
    policy.script({"content": None, "tool_calls": [CALL]}, "Three days are booked [1].")
    url = serve(policy__url=policy.url)
    asked = [{"role": "user", "content": "Book three days of parental leave."}]
    reply = send(url, asked, tools=[TOOL]).json()
    message = reply["choices"][0]["message"]
    assert (message["content"], message["tool_calls"]) == (None, [CALL])
    assert reply["choices"][0]["finish_reason"] == "tool_calls"

    result = {"role": "tool", "tool_call_id": "call_1", "content": "Booked: three days."}
    reply = send(url, [*asked, message, result], tools=[TOOL]).json()
    assert reply["choices"][0]["message"]["content"] == "Three days are booked [1]."
    sent = policy.requests[1]["messages"]
    assert [m["role"] for m in sent] == ["system", "user", "assistant", "tool"]
    assert sent[1]["content"].endswith("Book three days of parental leave.")
    assert sent[2]["tool_calls"] == [CALL]
    assert sent[3] == result


def test_harm_in_tool_arguments_is_never_handed_out(policy: ScriptedPolicy, serve: Serve) -> None:
    body = json.dumps({"text": "You are a complete idiot and a worthless fool."})
    insult = CALL | {"function": {"name": "send_mail", "arguments": body}}
    policy.script({"content": "", "tool_calls": [insult]})
    messages = [{"role": "user", "content": "Write a mail to my colleague."}]
    reply = send(serve(policy__url=policy.url), messages, tools=[TOOL]).json()
    assert "idiot" not in json.dumps(reply["choices"])
    assert reply["plumbline"]["decision"] == "refuse"


def test_reasoning_is_judged_and_shown(policy: ScriptedPolicy, serve: Serve) -> None:
    policy.script(
        {"content": "80 working days [1].", "reasoning_content": "The passage says 80."},
        {
            "content": "80 working days [1].",
            "reasoning_content": "What an idiot, this worthless fool.",
        },
    )
    url = serve(policy__url=policy.url, decision__attempts=1)
    message = ask(url, QUESTION)["choices"][0]["message"]
    assert message["reasoning_content"] == "The passage says 80."
    refused = ask(url, QUESTION)
    assert "idiot" not in json.dumps(refused["choices"])


def test_pictures_are_passed_on_and_only_their_digest_is_logged(
    policy: ScriptedPolicy, serve: Serve
) -> None:
    policy.script("80 working days [1].")
    url = serve(policy__url=policy.url)
    picture = {"type": "image_url", "image_url": {"url": PIXEL}}
    content = [{"type": "text", "text": QUESTION}, picture]
    reply = send(url, [{"role": "user", "content": content}]).json()
    sent = policy.requests[0]["messages"][-1]["content"]
    assert sent[1] == picture
    assert sent[0]["text"].endswith(QUESTION)
    stored = httpx.get(f"{url}/v1/chat/completions/{reply['id']}/messages").text
    assert "iVBORw0KGgo" not in stored
    assert "sha256:" in stored


def test_a_picture_by_web_address_is_not_fetched_for_a_caller(
    policy: ScriptedPolicy, serve: Serve
) -> None:
    url = "http://169.254.169.254/latest/meta-data"
    content = [
        {"type": "text", "text": QUESTION},
        {"type": "image_url", "image_url": {"url": url}},
    ]
    response = send(serve(policy__url=policy.url), [{"role": "user", "content": content}])
    assert response.status_code == 400
    assert policy.requests == []
    assert send(serve(), [{"role": "user", "content": content}]).status_code == 400


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "assistant", "content": "Hello"}],
        [{"role": "tool", "tool_call_id": "x", "content": "r"}],
        [{"role": "user", "content": "q"}, {"role": "tool", "content": "r"}],
        [{"role": "user", "content": "q", "tool_calls": [CALL]}],
        [{"role": "user", "content": None}],
        [{"role": "function", "name": "f", "content": "r"}],
        [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}],
    ],
)
def test_odd_conversations_are_refused(serve: Serve, messages: list[dict]) -> None:
    response = send(serve(), messages)
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"


def test_logprobs_are_those_of_the_served_candidate(policy: ScriptedPolicy, serve: Serve) -> None:
    words = ["You get ", "80 days", "."]
    tokens = [
        {"token": w, "logprob": -0.1, "bytes": list(w.encode()), "top_logprobs": []} for w in words
    ]
    message = {"role": "assistant", "content": "".join(words)}
    choice = {"message": message, "logprobs": {"content": tokens}, "finish_reason": "stop"}
    policy.script((200, {"choices": [choice], "usage": {"prompt_tokens": 3}}))
    url = serve(policy__url=policy.url)
    reply = ask(url, QUESTION, logprobs=True)
    assert reply["choices"][0]["logprobs"]["content"] == tokens
    messages = [{"role": "user", "content": QUESTION}]
    lines = send(url, messages, logprobs=True, stream=True).text.splitlines()
    chunks = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
    streamed = [c["choices"][0] for c in chunks if c["choices"][0]["logprobs"]]
    assert [c["delta"]["content"] for c in streamed] == words
    assert [c["logprobs"]["content"][0] for c in streamed] == tokens
