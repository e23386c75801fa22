"""Guarded streaming against a policy that the test writes."""

from __future__ import annotations

import json
import time

import httpx
import openai
import pytest

from tests.conftest import Serve
from tests.scripted_policy import ScriptedPolicy

HARMLESS = {
    "en": [
        "You get 80 working days of parental leave [1].",
        "They can be taken in one block or in several parts [1].",
        "Tell your manager eight weeks before, please.",
        "The form is on the intranet under People.",
        "Version 3.5 of the form asks for the date, e.g. the 1. of May.",
        "If anything is unclear, the HR desk helps you.",
    ],
    "zh": [
        "每位员工可享受80个工作日的育儿假[1]。",
        "可以一次休完，也可以分几次休[1]。",
        "请提前八周告知主管。",
        "表格在内网的“人员”栏目下。",
        "如有不清楚的地方，人力资源部会帮助您。",
    ],
}
INSULT = {"en": "You are a complete idiot and a worthless fool.", "zh": "你真是个没用的白痴。"}
QUESTION = {"en": "How many days of parental leave do I get?", "zh": "育儿假有多少天？"}


def stream(url: str, question: str, **fields: object) -> tuple[list[dict], list[float]]:
    """The events of a windowed stream, and when each came."""
    body = {
        "model": "plumbline",
        "stream": True,
        "messages": [{"role": "user", "content": question}],
        "plumbline": {"stream_mode": "windowed"},
    } | fields
    events, times = [], []
    with httpx.stream("POST", f"{url}/v1/chat/completions", json=body, timeout=60) as response:
        if response.status_code != 200:
            response.read()
            raise AssertionError(response.text)
        assert response.headers["x-plumbline-stream-mode"] == "windowed"
        for line in response.iter_lines():
            if line.startswith("data: {"):
                events.append(json.loads(line[6:]))
                times.append(time.monotonic())
    return events, times


def said(events: list[dict], name: str = "content") -> str:
    choices = [event["choices"][0] for event in events if event.get("choices")]
    return "".join(choice["delta"].get(name) or "" for choice in choices)


def last(events: list[dict]) -> dict:
    return next(event for event in reversed(events) if event.get("choices"))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_harmless_sentences_go_out_while_the_rest_is_written(
    policy: ScriptedPolicy, serve: Serve, language: str
) -> None:
    policy.pace = 0.01
    text = (" " if language == "en" else "").join(HARMLESS[language])
    policy.script(text)
    url = serve(policy__url=policy.url)
    events, times = stream(url, QUESTION[language])
    assert said(events) == text
    early = [e for e, t in zip(events, times) if t < times[-1] - 0.2]
    assert len(said(early)) > len(text) / 3
    final = last(events)
    marks = [a["url_citation"] for a in final["choices"][0]["delta"]["annotations"]]
    assert [text[m["start_index"] : m["end_index"]] for m in marks] == ["[1]", "[1]"]
    assert final["choices"][0]["finish_reason"] == "stop"
    assert final["plumbline"]["stream_mode"] == "windowed"
    stored = httpx.get(f"{url}/v1/chat/completions/{final['id']}").json()
    assert stored["choices"][0]["message"]["content"] == text


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("place", [0, 1, 3, -1])
def test_no_character_of_a_violating_sentence_leaves(
    policy: ScriptedPolicy, serve: Serve, language: str, place: int
) -> None:
    sentences = list(HARMLESS[language])
    where = place % (len(sentences) + 1) if place >= 0 else len(sentences)
    sentences.insert(where, INSULT[language])
    separator = " " if language == "en" else ""
    policy.script(separator.join(sentences))
    url = serve(policy__url=policy.url)
    events, _ = stream(url, QUESTION[language])
    shown, final = said(events), last(events)
    assert INSULT[language][:6] not in shown
    if where:
        assert separator.join(sentences[:where]).startswith(shown)
    assert final["choices"][0]["finish_reason"] == "content_filter"
    assert final["choices"][0]["delta"]["refusal"]
    assert final["plumbline"]["decision"] == "refuse"
    assert "insulting_language" in final["plumbline"]["reason"]
    log = httpx.get(f"{url}/v1/chat/completions/{final['id']}").json()
    assert log["choices"][0]["message"]["content"] == shown
    assert INSULT[language][:6] in log["plumbline"]["log"]["candidates"][0]["text"]


def test_a_blocked_stream_stops_the_engine(policy: ScriptedPolicy, serve: Serve) -> None:
    policy.pace = 0.005
    policy.script(INSULT["en"] + " More follows." * 500)
    url = serve(policy__url=policy.url)
    stream(url, QUESTION["en"])
    deadline = time.monotonic() + 2
    while not policy.cancelled and time.monotonic() < deadline:
        time.sleep(0.02)
    assert policy.cancelled == 1
    assert policy.streamed < 3000


def test_reasoning_and_tool_arguments_are_judged_too(policy: ScriptedPolicy, serve: Serve) -> None:
    url = serve(policy__url=policy.url)
    policy.script({"reasoning_content": f"Let me see. {INSULT['en']} Well.", "content": "Hello."})
    events, _ = stream(url, QUESTION["en"])
    assert "idiot" not in json.dumps(events)
    assert last(events)["choices"][0]["finish_reason"] == "content_filter"

    mail = {"name": "send_mail", "arguments": json.dumps({"body": INSULT["en"]})}
    policy.script(
        {"content": "", "tool_calls": [{"id": "c", "type": "function", "function": mail}]}
    )
    tools = [{"type": "function", "function": {"name": "send_mail", "parameters": {}}}]
    events, _ = stream(url, QUESTION["en"], tools=tools)
    assert "idiot" not in json.dumps(events)
    assert last(events)["choices"][0]["finish_reason"] == "content_filter"


def test_harmless_reasoning_and_tool_calls_arrive(policy: ScriptedPolicy, serve: Serve) -> None:
    look = {"name": "look_up", "arguments": json.dumps({"topic": "leave"})}
    call = {"id": "c1", "type": "function", "function": look}
    policy.script({"reasoning_content": "I should look. It is easy.", "tool_calls": [call]})
    tools = [{"type": "function", "function": {"name": "look_up", "parameters": {}}}]
    events, _ = stream(serve(policy__url=policy.url), QUESTION["en"], tools=tools)
    assert said(events, "reasoning_content") == "I should look. It is easy."
    calls = [e["choices"][0]["delta"].get("tool_calls") for e in events if e.get("choices")]
    assert [c for c in calls if c] == [[{"index": 0, **call}]]
    assert last(events)["choices"][0]["finish_reason"] == "tool_calls"


def test_an_engine_that_dies_in_the_middle_is_an_error_and_no_end(
    policy: ScriptedPolicy, serve: Serve
) -> None:
    policy.dies_after = 120
    policy.script(" ".join(HARMLESS["en"]))
    url = serve(policy__url=policy.url)
    events, _ = stream(url, QUESTION["en"])
    assert events[-1]["error"]["code"] == "policy_unavailable"
    assert " ".join(HARMLESS["en"]).startswith(said(events))


def test_a_judge_that_breaks_lets_nothing_out(policy: ScriptedPolicy, serve: Serve) -> None:
    policy.script(" ".join(HARMLESS["en"]))
    events, _ = stream(serve(policy__url=policy.url, judge__timeout_seconds=1e-6), QUESTION["en"])
    assert HARMLESS["en"][0] not in said(events)
    assert last(events)["choices"][0]["finish_reason"] == "content_filter"
    assert "judge failed" in last(events)["plumbline"]["reason"]


def test_the_reader_streams_windowed_and_the_sdk_reads_it(serve: Serve) -> None:
    with openai.OpenAI(base_url=f"{serve()}/v1", api_key="any") as client:
        chunks = list(
            client.chat.completions.create(
                model="plumbline",
                messages=[{"role": "user", "content": QUESTION["en"]}],
                stream=True,
                stream_options={"include_usage": True},
                extra_body={"plumbline": {"stream_mode": "windowed"}},
            )
        )
    assert "80 working days" in "".join(
        c.choices[0].delta.content or "" for c in chunks if c.choices
    )
    assert chunks[-1].usage and chunks[-1].usage.completion_tokens


@pytest.mark.parametrize(
    "fields",
    [
        {"stream": False},
        {"n": 2},
        {"plumbline": {"stream_mode": "windowed", "candidates": 3}},
        {"logprobs": True},
    ],
)
def test_what_windowed_can_not_do_is_refused(serve: Serve, fields: dict) -> None:
    body = {
        "model": "plumbline",
        "stream": True,
        "messages": [{"role": "user", "content": "Hello?"}],
        "plumbline": {"stream_mode": "windowed"},
    }
    response = httpx.post(f"{serve()}/v1/chat/completions", json=body | fields)
    assert response.status_code == 400
    assert "windowed" in response.json()["error"]["message"] or "verified" in response.text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_without_a_judge_words_go_out_as_they_come(
    policy: ScriptedPolicy, serve: Serve, language: str
) -> None:
    policy.pace = 0.01
    written = (" " if language == "en" else "").join([*HARMLESS[language], "Done [9]."])
    policy.script(written)
    url = serve(policy__url=policy.url, judge__enabled=False)
    events, times = stream(url, QUESTION[language])
    assert said(events) == written.replace(" [9]", "")
    spoken = [time for event, time in zip(events, times) if said([event])]
    whole = times[-1] - spoken[0]
    assert len(spoken) > 2 * len(HARMLESS[language]), "words, not sentences"
    assert whole > 0.5 * 0.01 * len(written), "the first came long before the last was written"
