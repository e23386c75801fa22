"""Turns with a policy that the test writes."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import httpx
import openai
import pytest

from feedback.log import Log
from feedback.records import CompletionRecord
from tests.conftest import Serve, ask
from tests.scripted_policy import ScriptedPolicy

QUESTION = "How many days of parental leave do I get?"
INSULTS = [("en", QUESTION, "You are a complete idiot."), ("zh", "年假有几天？", "你真是个白痴。")]


def logged(url: str, completion_id: str) -> list[dict]:
    stored = httpx.get(f"{url}/v1/chat/completions/{completion_id}").json()
    return stored["plumbline"]["log"]["candidates"]


def test_marks_become_annotations_and_invented_marks_vanish(
    policy: ScriptedPolicy, serve: Serve
) -> None:
    policy.script("Each employee gets 80 working days [1][99], fully paid 【1】 [42].")
    reply = ask(serve(policy__url=policy.url), QUESTION)
    message = reply["choices"][0]["message"]
    assert message["content"] == "Each employee gets 80 working days [1], fully paid [1]."
    places = [a["url_citation"] for a in message["annotations"]]
    assert [message["content"][p["start_index"] : p["end_index"]] for p in places] == ["[1]", "[1]"]
    assert reply["plumbline"]["answered"] is True


@pytest.mark.parametrize(("language", "question", "insult"), INSULTS)
def test_a_hard_violation_is_regenerated_then_refused_and_both_are_logged(
    policy: ScriptedPolicy, serve: Serve, language: str, question: str, insult: str
) -> None:
    policy.script(insult)
    url = serve(policy__url=policy.url)
    reply = ask(url, question)
    message = reply["choices"][0]["message"]
    assert insult not in str(reply["choices"])
    assert message["refusal"] == message["content"]
    assert ("抱歉" in message["content"]) == (language == "zh")
    assert reply["plumbline"]["decision"] == "refuse"
    assert reply["plumbline"]["attempts"] == 2
    assert "insulting_language" in reply["plumbline"]["verdict"]["violations"]
    candidates = logged(url, reply["id"])
    assert [(c["attempt"], c["text"], c["served"]) for c in candidates] == [
        (0, insult, False),
        (1, insult, False),
    ]
    hint = policy.requests[1]["messages"][-1]["content"]
    assert ("尊重" if language == "zh" else "respectful") in hint
    assert insult not in hint


def test_the_stream_of_a_bad_policy_leaks_nothing(policy: ScriptedPolicy, serve: Serve) -> None:
    policy.script("Fine so far. You are a complete idiot.")
    with openai.OpenAI(base_url=f"{serve(policy__url=policy.url)}/v1", api_key="any") as client:
        chunks = list(
            client.chat.completions.create(
                model="plumbline", messages=[{"role": "user", "content": QUESTION}], stream=True
            )
        )
    text = "".join(c.choices[0].delta.content or "" for c in chunks)
    assert "idiot" not in text
    assert "Fine so far" not in text
    assert chunks[-1].choices[0].delta.refusal == text


def test_a_better_second_attempt_is_served(policy: ScriptedPolicy, serve: Serve) -> None:
    policy.script("You are a complete idiot.", "You get 80 working days [1].")
    reply = ask(serve(policy__url=policy.url), QUESTION)
    assert reply["choices"][0]["message"]["content"] == "You get 80 working days [1]."
    assert reply["plumbline"]["attempts"] == 2


def test_the_best_of_several_candidates_is_served(policy: ScriptedPolicy, serve: Serve) -> None:
    policy.script("Hard to say, it depends.", "You get 80 working days of parental leave [1].")
    url = serve(policy__url=policy.url, policy__candidates=2)
    reply = ask(url, QUESTION, plumbline={"show_candidates": True})
    assert "80 working days" in reply["choices"][0]["message"]["content"]
    rewards = {c["content"]: c["verdict"]["reward"] for c in reply["plumbline"]["candidates"]}
    assert len(rewards) == 2


def test_a_refusal_of_the_policy_is_served_for_review(policy: ScriptedPolicy, serve: Serve) -> None:
    policy.script("I'm sorry, but I can't help with that.")
    reply = ask(serve(policy__url=policy.url), QUESTION)
    assert reply["choices"][0]["message"]["refusal"] == "I'm sorry, but I can't help with that."
    assert reply["plumbline"]["review"] is True
    assert reply["plumbline"]["answered"] is False
    assert len(policy.requests) == 1


def test_an_abstention_of_the_policy_has_no_annotations(
    policy: ScriptedPolicy, serve: Serve
) -> None:
    policy.script("The passages do not mention this. [1]")
    reply = ask(serve(policy__url=policy.url), "Who won the match?")
    assert reply["plumbline"]["answered"] is False
    assert reply["choices"][0]["message"]["annotations"] == []
    assert reply["choices"][0]["message"]["refusal"] is None


def test_a_judge_that_is_too_slow_approves_nothing(
    policy: ScriptedPolicy, serve: Serve, tmp_path: Path
) -> None:
    policy.script("You get 80 working days [1].")
    url = serve(policy__url=policy.url, judge__timeout_seconds=1e-6)
    reply = ask(url, QUESTION)
    assert reply["plumbline"]["decision"] == "refuse"
    assert "judge failed" in reply["plumbline"]["reason"]
    assert "80" not in reply["choices"][0]["message"]["content"]
    assert all("error" in c["verdict"] for c in logged(url, reply["id"]))


def test_the_conversation_reaches_the_policy(policy: ScriptedPolicy, serve: Serve) -> None:
    policy.script("Yes [1].")
    turns = [
        {"role": "system", "content": "Speak like a pirate."},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Ahoy"},
        {"role": "user", "content": QUESTION},
    ]
    ask(serve(policy__url=policy.url), "", messages=turns, temperature=0.3, max_tokens=50)
    sent = policy.requests[0]
    assert [m["role"] for m in sent["messages"]] == ["system", "user", "assistant", "user"]
    assert "Speak like a pirate." in sent["messages"][0]["content"]
    assert "80 working days" in sent["messages"][-1]["content"]
    assert (sent["temperature"], sent["max_tokens"]) == (0.3, 50)


def test_silence_is_filled_while_a_slow_policy_thinks(policy: ScriptedPolicy, serve: Serve) -> None:
    policy.script("You get 80 working days [1].")
    policy.delay = 0.6
    url = serve(policy__url=policy.url, server__keep_alive_seconds=0.1)
    body = {
        "model": "plumbline",
        "messages": [{"role": "user", "content": QUESTION}],
        "stream": True,
    }
    with httpx.stream("POST", f"{url}/v1/chat/completions", json=body, timeout=30) as response:
        assert response.headers["x-plumbline-stream-mode"] == "verified"
        lines = [line for line in response.iter_lines() if line]
    assert lines[0].startswith(": ")
    assert lines[-1] == "data: [DONE]"


def test_a_policy_that_dies_does_not_take_the_server_along(
    policy: ScriptedPolicy, serve: Serve, tmp_path: Path
) -> None:
    policy.script((500, {"error": {"message": "out of memory"}}), "You get 80 working days [1].")
    url = serve(policy__url=policy.url)
    body = {"model": "plumbline", "messages": [{"role": "user", "content": QUESTION}]}
    failed = httpx.post(f"{url}/v1/chat/completions", json=body, timeout=30)
    assert failed.status_code == 503
    assert failed.json()["error"]["code"] == "policy_unavailable"
    assert "80" in ask(url, QUESTION)["choices"][0]["message"]["content"]
    with sqlite3.connect(tmp_path / "log.sqlite") as connection:
        decisions = connection.execute("SELECT decision FROM completion ORDER BY id").fetchall()
    assert decisions == [("error",), ("serve",)]


def test_a_policy_that_dies_on_the_second_attempt_hides_no_draft(
    policy: ScriptedPolicy, serve: Serve
) -> None:
    policy.script("You are a complete idiot.", (500, {"error": {"message": "out of memory"}}))
    url = serve(policy__url=policy.url)
    reply = ask(url, QUESTION)
    assert reply["plumbline"]["decision"] == "refuse"
    assert "out of memory" in reply["plumbline"]["reason"]
    assert [c["text"] for c in logged(url, reply["id"])] == ["You are a complete idiot."]


def test_a_caller_who_hangs_up_leaves_the_server_free(policy: ScriptedPolicy, serve: Serve) -> None:
    policy.script("You get 80 working days [1].")
    policy.delay = 3
    url = serve(policy__url=policy.url)
    body = {"model": "plumbline", "messages": [{"role": "user", "content": QUESTION}]}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{url}/v1/chat/completions", json=body, timeout=0.7)
    policy.delay = 0
    started = time.monotonic()
    assert ask(url, QUESTION)["plumbline"]["answered"]
    assert time.monotonic() - started < 3


@pytest.mark.parametrize("streamed", [False, True])
def test_a_caller_who_hangs_up_leaves_a_row(
    policy: ScriptedPolicy, serve: Serve, tmp_path: Path, streamed: bool
) -> None:
    policy.script("You get 80 working days [1].")
    policy.delay = 30
    url = serve(policy__url=policy.url, server__keep_alive_seconds=0.1)
    body = {
        "model": "plumbline",
        "messages": [{"role": "user", "content": QUESTION}],
        "user": "ann",
        "stream": streamed,
    }
    with pytest.raises(httpx.ReadTimeout):
        if streamed:
            with httpx.stream("POST", f"{url}/v1/chat/completions", json=body, timeout=5) as reply:
                for _ in reply.iter_lines():
                    raise httpx.ReadTimeout("enough")
        else:
            httpx.post(f"{url}/v1/chat/completions", json=body, timeout=1)
    deadline = time.monotonic() + 20
    rows: list[CompletionRecord] = []
    while not rows and time.monotonic() < deadline:
        rows = list(Log(tmp_path / "log.sqlite").completions())
        time.sleep(0.1)
    (row,) = rows
    assert (row.decision, row.person, row.question) == ("error", "ann", QUESTION)
    assert row.reply["error"]["code"] == "client_closed_request"
    assert httpx.get(f"{url}/v1/chat/completions").json()["data"] == []


def test_a_failing_choice_ends_the_others(policy: ScriptedPolicy, serve: Serve) -> None:
    policy.script((500, {"error": {"message": "out of memory"}}), "You get 80 working days [1].")
    policy.delays = [0.0, 30.0]
    url = serve(policy__url=policy.url)
    body = {"model": "plumbline", "messages": [{"role": "user", "content": QUESTION}], "n": 2}
    started = time.monotonic()
    response = httpx.post(f"{url}/v1/chat/completions", json=body, timeout=60)
    assert (response.status_code, response.json()["error"]["code"]) == (503, "policy_unavailable")
    assert time.monotonic() - started < 20, "the slow choice was not waited for"


def test_stored_completions_are_listed_either_way(policy: ScriptedPolicy, serve: Serve) -> None:
    policy.script((500, {"error": {"message": "down"}}), "You get 80 working days [1].")
    url = serve(policy__url=policy.url)
    body = {"model": "plumbline", "messages": [{"role": "user", "content": QUESTION}]}
    assert httpx.post(f"{url}/v1/chat/completions", json=body, timeout=30).status_code == 503
    ids = [ask(url, QUESTION)["id"] for _ in range(3)]
    with openai.OpenAI(base_url=f"{url}/v1", api_key="any") as client:
        listing = client.chat.completions.list
        assert [c.id for c in listing(limit=2)] == ids, "the failed turn ends no page"
        assert [c.id for c in listing(limit=2, order="desc")] == ids[::-1]
        assert [c.id for c in listing(after=ids[1], order="desc")] == ids[:1]
