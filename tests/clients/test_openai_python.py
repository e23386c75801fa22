"""The openai Python SDK against the running server: what its users do, and what they get."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import openai
import pytest
from pydantic import BaseModel

from tests.scripted_policy import ScriptedPolicy

QUESTION = "How many days of parental leave do I get?"
ASKED = [{"role": "user", "content": QUESTION}]
BOOK = {
    "type": "function",
    "function": {
        "name": "book_leave",
        "description": "Book days of leave.",
        "parameters": {
            "type": "object",
            "properties": {"days": {"type": "integer"}},
            "required": ["days"],
            "additionalProperties": False,
        },
        "strict": True,
    },
}
CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "book_leave", "arguments": '{"days": 3}'},
}
PIXEL = "data:image/png;base64,iVBORw0KGgo="


class Leave(BaseModel):
    days: int
    halves: list[int]


@pytest.fixture
def connect() -> Iterator[Any]:
    """Opens clients, and closes them."""
    with ExitStack() as opened:

        def opening(url: str, **options: Any) -> openai.OpenAI:
            client = openai.OpenAI(base_url=f"{url}/v1", api_key="any", **options)
            return opened.enter_context(client)

        yield opening


@pytest.fixture
def scripted(scripted_url: str, connect: Any) -> openai.OpenAI:
    """A client of a server whose policy answers what the test tells it to."""
    return connect(scripted_url, max_retries=0)


def test_a_tool_is_called_and_its_result_is_answered_from(
    policy: ScriptedPolicy, scripted: openai.OpenAI
) -> None:
    policy.script({"content": None, "tool_calls": [CALL]}, "Three days are booked [1].")
    conversation: list[Any] = [{"role": "user", "content": "Book three days of parental leave."}]
    reply = scripted.chat.completions.create(
        model="plumbline", messages=conversation, tools=[BOOK]
    ).choices[0]
    assert reply.finish_reason == "tool_calls"
    (call,) = reply.message.tool_calls
    assert json.loads(call.function.arguments) == {"days": 3}
    # As OpenAI's guide has it: the message goes back as the object that came.
    conversation += [
        reply.message,
        {"role": "tool", "tool_call_id": call.id, "content": "Booked: three days."},
    ]
    answer = scripted.chat.completions.create(
        model="plumbline", messages=conversation, tools=[BOOK]
    )
    assert answer.choices[0].message.content == "Three days are booked [1]."
    assert policy.requests[1]["messages"][-1]["content"] == "Booked: three days."


# The SDK warns of its own type when it sends a parsed message back.
@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")
def test_parsed_tool_calls_and_answers_go_back_as_they_came(
    policy: ScriptedPolicy, scripted: openai.OpenAI
) -> None:
    policy.script({"content": None, "tool_calls": [CALL]}, '{"days": 80, "halves": [160]}')
    conversation: list[Any] = list(ASKED)
    called = scripted.chat.completions.parse(
        model="plumbline", messages=conversation, tools=[BOOK], response_format=Leave
    ).choices[0]
    assert called.message.tool_calls[0].function.parsed_arguments == {"days": 3}
    conversation += [
        called.message,
        {"role": "tool", "tool_call_id": "call_1", "content": "80 days"},
    ]
    parsed = scripted.chat.completions.parse(
        model="plumbline", messages=conversation, tools=[BOOK], response_format=Leave
    ).choices[0]
    assert parsed.message.parsed == Leave(days=80, halves=[160])
    conversation += [parsed.message, {"role": "user", "content": "And how many halves?"}]
    scripted.chat.completions.create(model="plumbline", messages=conversation)
    form = policy.requests[0]["response_format"]
    assert (form["type"], form["json_schema"]["strict"]) == ("json_schema", True)
    assert form["json_schema"]["schema"]["properties"]["halves"]["items"] == {"type": "integer"}


def test_the_streaming_helper_assembles_answer_usage_and_events(
    policy: ScriptedPolicy, scripted: openai.OpenAI
) -> None:
    policy.script('{"days": 80, "halves": [160]}')
    with scripted.chat.completions.stream(
        model="plumbline",
        messages=ASKED,
        response_format=Leave,
        stream_options={"include_usage": True},
    ) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_completion()
    assert {"content.delta", "content.done"} <= set(kinds)
    assert final.choices[0].message.parsed == Leave(days=80, halves=[160])
    assert final.usage.completion_tokens == 10
    assert final.system_fingerprint.startswith("fp_")


def test_the_streaming_helper_assembles_tool_calls(
    policy: ScriptedPolicy, scripted: openai.OpenAI
) -> None:
    policy.script({"content": None, "tool_calls": [CALL]})
    with scripted.chat.completions.stream(
        model="plumbline", messages=ASKED, tools=[BOOK]
    ) as stream:
        done = [e for e in stream if e.type == "tool_calls.function.arguments.done"]
        final = stream.get_final_completion()
    assert [event.parsed_arguments for event in done] == [{"days": 3}]
    assert final.choices[0].finish_reason == "tool_calls"


def test_usage_is_null_on_every_chunk_but_the_last(server_url: str, connect: Any) -> None:
    client = connect(server_url)
    streamed = client.chat.completions.create(
        model="plumbline", messages=ASKED, stream=True, stream_options={"include_usage": True}
    )
    *chunks, last = list(streamed)
    assert last.choices == []
    assert last.usage.total_tokens > 0
    assert all(c.usage is None and "usage" in c.model_fields_set for c in chunks)
    assert chunks[0].choices[0].delta.role == "assistant"
    assert len({(c.id, c.created, c.model, c.system_fingerprint) for c in [*chunks, last]}) == 1
    plain = client.chat.completions.create(model="plumbline", messages=ASKED, stream=True)
    assert all("usage" not in c.model_fields_set for c in plain)


def test_obfuscation_hides_how_long_the_pieces_are(server_url: str) -> None:
    body = {"model": "plumbline", "messages": ASKED, "stream": True}
    body["stream_options"] = {"include_obfuscation": True}
    said = httpx.post(f"{server_url}/v1/chat/completions", json=body, timeout=60).text
    events = [line for line in said.splitlines() if line.startswith("data: {")]
    texts = [e for e in events if json.loads(e[6:])["choices"][0]["delta"].get("content")]
    assert len(texts) > 3
    assert len({len(event.encode()) for event in texts}) == 1


def test_async_clients_stream_at_the_same_time(server_url: str) -> None:
    async def one(client: openai.AsyncOpenAI, question: str) -> str:
        stream = await client.chat.completions.create(
            model="plumbline", messages=[{"role": "user", "content": question}], stream=True
        )
        return "".join([c.choices[0].delta.content or "" async for c in stream])

    async def both() -> list[str]:
        async with openai.AsyncOpenAI(base_url=f"{server_url}/v1", api_key="any") as client:
            questions = [QUESTION, "年假可以结转到下一年吗？"]
            return await asyncio.gather(*(one(client, question) for question in questions))

    english, chinese = asyncio.run(both())
    assert "80 working days" in english
    assert "最多 5 天" in chinese


def test_raw_responses_show_the_headers(server_url: str, connect: Any) -> None:
    raw = connect(server_url).chat.completions.with_raw_response.create(
        model="plumbline", messages=ASKED
    )
    assert raw.headers["x-plumbline-stream-mode"] == "verified"
    assert raw.headers["content-type"] == "application/json"
    assert "80 working days" in raw.parse().choices[0].message.content


def test_logprobs_and_several_choices(policy: ScriptedPolicy, scripted: openai.OpenAI) -> None:
    tokens = [{"token": "80 days", "logprob": -0.1, "bytes": None, "top_logprobs": []}]
    choices = [
        {"index": i, "message": {"content": text}, "logprobs": {"content": tokens}}
        for i, text in enumerate(["80 days", "80 days of leave"])
    ]
    policy.script((200, {"choices": choices, "usage": {"prompt_tokens": 3}}))
    reply = scripted.chat.completions.create(
        model="plumbline", messages=ASKED, n=2, logprobs=True, top_logprobs=0, seed=3
    )
    assert [choice.index for choice in reply.choices] == [0, 1]
    assert reply.choices[0].logprobs.content[0].logprob == -0.1


def test_pictures_roles_and_names_are_taken(
    policy: ScriptedPolicy, scripted: openai.OpenAI
) -> None:
    policy.script("80 working days [1].")
    scripted.chat.completions.create(
        model="plumbline",
        messages=[
            {"role": "developer", "content": "Answer in one sentence."},
            {"role": "user", "name": "ann", "content": "Good morning"},
            {"role": "assistant", "content": ""},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": QUESTION},
                    {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}},
                ],
            },
        ],
        max_completion_tokens=50,
        tool_choice="none",
        tools=[BOOK],
    )
    sent = policy.requests[0]["messages"]
    assert "Answer in one sentence." in sent[0]["content"]
    assert sent[1] == {"role": "user", "name": "ann", "content": "Good morning"}
    assert sent[-1]["content"][1]["image_url"] == {"url": PIXEL, "detail": "low"}


def test_allowed_tools_are_the_only_ones_that_the_policy_sees(
    policy: ScriptedPolicy, scripted: openai.OpenAI
) -> None:
    policy.script({"content": None, "tool_calls": [CALL]})
    other = BOOK | {"function": {"name": "cancel_leave"}}
    scripted.chat.completions.create(
        model="plumbline",
        messages=ASKED,
        tools=[BOOK, other],
        tool_choice={
            "type": "allowed_tools",
            "allowed_tools": {
                "mode": "required",
                "tools": [{"type": "function", "function": {"name": "book_leave"}}],
            },
        },
    )
    assert policy.requests[0]["tools"] == [BOOK]
    assert policy.requests[0]["tool_choice"] == "required"


@pytest.mark.parametrize(
    ("fields", "param", "code", "says"),
    [
        ({"temperature": 9}, "temperature", "decimal_above_max_value", "<= 2"),
        ({"n": 129}, "n", "integer_above_max_value", "<= 8"),
        ({"logit_bias": {"a": 1}}, "logit_bias.a", "invalid_value", "pattern"),
        ({"tools": []}, "tools", "empty_array", "minimum length 1"),
        (
            {"tools": [{"type": "custom", "custom": {"name": "x"}}]},
            "tools[0].type",
            "unsupported_value",
            "describe it as a function",
        ),
        (
            {"tools": [BOOK], "tool_choice": {"type": "function", "function": {"name": "x"}}},
            "tool_choice",
            "invalid_value",
            "no tool 'x'",
        ),
        (
            {"tools": [BOOK], "tool_choice": {"type": "custom", "custom": {"name": "x"}}},
            "tool_choice.type",
            "unsupported_value",
            "'allowed_tools'",
        ),
        (
            {"response_format": {"type": "json_schema"}},
            "response_format.json_schema",
            "missing_required_parameter",
            "schema",
        ),
        (
            {"max_tokens": 5, "max_completion_tokens": 5},
            "max_tokens",
            "invalid_value",
            "max_completion_tokens",
        ),
        ({"max_completion_tokens": 10**6}, "messages", "context_length_exceeded", "context"),
        ({"extra_body": {"nonsense": 1}}, "nonsense", "unknown_parameter", "leave it out"),
        (
            {"extra_body": {"plumbline": {"filters": {"type": "like", "key": "a", "value": 1}}}},
            "plumbline.filters.type",
            "invalid_value",
            "'eq'",
        ),
        (
            {"messages": [{"role": "king", "content": "x"}]},
            "messages[0].role",
            "invalid_value",
            "'assistant'",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
            "messages[0].content[0].image_url.url",
            "missing_required_parameter",
            "Missing",
        ),
        (
            {"messages": [*ASKED, {"role": "assistant", "content": "Sure, "}]},
            "messages[1].role",
            "invalid_value",
            "last message",
        ),
        (
            {"messages": [*ASKED, {"role": "tool", "tool_call_id": "x", "content": "y"}]},
            "messages[1].tool_call_id",
            "invalid_value",
            "tool_calls",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [CALL]}, *ASKED]},
            "messages[0].tool_calls",
            "invalid_value",
            "no result",
        ),
    ],
)
def test_a_bad_request_names_its_field(
    server_url: str, connect: Any, fields: dict[str, Any], param: str, code: str, says: str
) -> None:
    body: dict[str, Any] = {"model": "plumbline", "messages": ASKED} | fields
    with pytest.raises(openai.BadRequestError) as raised:
        connect(server_url).chat.completions.create(**body)
    error = raised.value
    assert (error.param, error.code, error.type) == (param, code, "invalid_request_error")
    assert says in error.message
    assert param in error.message or code == "context_length_exceeded"


def test_what_is_not_there_is_not_found(server_url: str, connect: Any) -> None:
    client = connect(server_url)
    with pytest.raises(openai.NotFoundError) as raised:
        client.chat.completions.create(model="gpt-9", messages=ASKED)
    assert raised.value.code == "model_not_found"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-9")
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.retrieve("chatcmpl-none")
    with pytest.raises(openai.NotFoundError):
        client.vector_stores.search("none", query="x")
    assert client.models.retrieve(client.models.list().data[0].id).owned_by == "plumbline"


def test_a_policy_that_was_away_is_asked_again(
    policy: ScriptedPolicy, scripted_url: str, connect: Any
) -> None:
    away = (503, {"error": {"message": "loading"}})
    policy.script(away)
    with pytest.raises(openai.InternalServerError) as raised:
        connect(scripted_url, max_retries=0).chat.completions.create(
            model="plumbline", messages=ASKED
        )
    assert (raised.value.status_code, raised.value.code) == (503, "policy_unavailable")
    policy.script(away, "80 working days [1].")
    reply = connect(scripted_url, max_retries=2).chat.completions.create(
        model="plumbline", messages=ASKED
    )
    assert reply.choices[0].message.content == "80 working days [1]."


def test_an_error_in_a_stream_that_has_begun_is_raised(
    policy: ScriptedPolicy, scripted_url: str, connect: Any
) -> None:
    policy.script("80 working days of leave [1]. " * 40)
    policy.pace, policy.dies_after = 0.001, 400
    client = connect(scripted_url, max_retries=0)
    stream = client.chat.completions.create(
        model="plumbline",
        messages=ASKED,
        stream=True,
        extra_body={"plumbline": {"stream_mode": "windowed"}},
    )
    with pytest.raises(openai.APIError, match="policy server"):
        list(stream)


def test_vector_stores_are_searched(server_url: str, connect: Any) -> None:
    page = connect(server_url).vector_stores.search(
        "default", query="parental leave", max_num_results=3
    )
    assert "parental" in page.data[0].filename
    assert len(page.data) == 3


def test_a_windowed_stream_reads_as_any_other(server_url: str, connect: Any) -> None:
    with connect(server_url).chat.completions.stream(
        model="plumbline",
        messages=ASKED,
        extra_body={"plumbline": {"stream_mode": "windowed"}},
    ) as stream:
        final = stream.get_final_completion()
    assert "80 working days" in final.choices[0].message.content
    assert final.choices[0].finish_reason == "stop"
