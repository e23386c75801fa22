"""A correction serves at once, to whoever asks the same and may see its sources, in either way to stream."""

from __future__ import annotations

import json
from typing import Any

import httpx
import openai
import pytest

from tests.server.verified.desk import Desk, ask, correct, said, served, verify

BADGE = "What does a replacement badge cost?"


def streamed(client: httpx.Client, question: str, mode: str) -> tuple[str, dict[str, Any], list]:
    """The words of a stream, `plumbline` of its last chunk, and the annotations."""
    body = {
        "model": "plumbline",
        "messages": [{"role": "user", "content": question}],
        "stream": True,
        "plumbline": {"stream_mode": mode},
    }
    text, last, notes = "", {}, []
    with client.stream("POST", "/v1/chat/completions", json=body) as response:
        assert response.status_code == 200
        for line in response.iter_lines():
            if not line.startswith("data: {"):
                continue
            chunk = json.loads(line.removeprefix("data: "))
            delta = chunk["choices"][0]["delta"] if chunk["choices"] else {}
            text += delta.get("content") or ""
            notes += delta.get("annotations") or []
            last = chunk.get("plumbline") or last
    return text, last, notes


def test_a_correction_serves_whoever_asks_the_same_in_other_words(desk: Desk) -> None:
    turn = ask(desk.eve, BADGE)
    words = "Fifteen euros; ask the porter on the ground floor. [1]"
    made = verify(desk.root, turn, feedback_id=correct(desk.ann, turn, words))
    assert (made["object"], made["state"]) == ("plumbline.verified_answer", "in_force")
    assert (made["question"], made["made_by"], made["served"]) == (BADGE, "root", 0)
    for question in (BADGE, "Hi, could you tell me how much is a replacement badge?"):
        reply = ask(desk.eve, question)
        assert served(reply) == made["id"]
        assert said(reply) == words
        assert reply["plumbline"]["policy_version"] == f"verified:{made['id']}"
        assert reply["plumbline"]["verified_answer"]["question"] == BADGE
        assert made["id"] in reply["plumbline"]["reason"]
        assert reply["plumbline"]["answered"] is True
        assert reply["usage"]["total_tokens"] == 0
        (note,) = reply["choices"][0]["message"]["annotations"]
        cited = note["url_citation"]
        assert said(reply)[cited["start_index"] : cited["end_index"]] == "[1]"
        passage = reply["plumbline"]["passages"][0]
        document, _, chunk = cited["url"].partition("#")
        there = desk.eve.get(document).json()["chunks"][int(chunk)]
        assert "badge costs fifteen euros" in there["text"]
        assert there["text"] == passage["text"]
    shown = desk.ann.get(f"/v1/verified_answers/{made['id']}").json()
    assert shown["served"] == 2
    assert [source["path"].rsplit("/")[-1] for source in shown["sources"]] == ["badges.md"]
    stored = desk.root.get(f"/v1/chat/completions/{reply['id']}").json()
    assert stored["choices"][0]["message"]["content"] == words


def test_a_chinese_answer_serves_the_same_question_only(desk: Desk) -> None:
    turn = ask(desk.eve, "新员工有几天年假？")
    made = verify(desk.root, turn, answer="新员工每年十二天年假，可结转三天。[1]")
    assert made["language"] == "zh"
    assert served(ask(desk.eve, "请问新职员有几天年假呢？")) == made["id"]
    for other in ("老员工有几天年假？", "新员工有几天病假？", "新员工没有年假吗？"):
        assert served(ask(desk.eve, other)) is None


def test_another_question_is_never_answered_by_it(desk: Desk) -> None:
    turn = ask(desk.eve, "What does parking in the garage cost a month?")
    made = verify(desk.root, turn, answer="Eighty euros a month. [1]")
    assert served(ask(desk.eve, "What does parking in the garage cost a month")) == made["id"]
    for other in (
        "What does parking in the garage cost a year?",
        "What does parking in the garage not cost a month?",
        "What does parking in the garage cost 2 months?",
        "What does parking in the yard cost a month?",
        "停车每月多少钱？",
    ):
        assert served(ask(desk.eve, other)) is None


@pytest.mark.parametrize("mode", ["verified", "windowed"])
def test_both_ways_to_stream_send_it_with_its_citations(desk: Desk, mode: str) -> None:
    question = f"How often is the lift serviced, asked for a {mode} stream?"
    made = verify(desk.root, ask(desk.eve, question), answer="Every six months. [1] By a firm.")
    text, last, notes = streamed(desk.eve, question, mode)
    assert text == "Every six months. [1] By a firm."
    assert (last["verified_answer"]["id"], last["stream_mode"]) == (made["id"], mode)
    assert len(notes) == 1
    client = openai.OpenAI(base_url=f"{desk.url}/v1", api_key=desk.secret("eve"))
    with (
        client,
        client.chat.completions.stream(
            model="plumbline", messages=[{"role": "user", "content": question}]
        ) as events,
    ):
        for _ in events:
            pass
        assert events.get_final_completion().choices[0].message.content == text


def test_a_request_for_something_special_is_left_to_the_policy(desk: Desk) -> None:
    question = "Where does the big stapler stand?"
    made = verify(desk.root, ask(desk.eve, question), answer="In the copy room. [1]")
    assert served(ask(desk.eve, question, temperature=0, seed=3)) == made["id"]
    assert served(ask(desk.eve, question, max_tokens=40)) == made["id"]
    shown = ask(desk.eve, question, plumbline={"show_candidates": True})
    assert served(shown) == made["id"], "the page asks to see the candidates of every turn"
    assert [one["served"] for one in shown["plumbline"]["candidates"]] == [True]
    for fields in (
        {"n": 2},
        {"max_tokens": 2},
        {"stop": ["copy"]},
        {"plumbline": {"retrieve": False}},
        {"plumbline": {"filters": {"type": "eq", "key": "format", "value": "md"}}},
        {"plumbline": {"candidates": 3}},
    ):
        assert served(ask(desk.eve, question, **fields)) is None
    version = ask(desk.eve, "Who is the mayor?")["plumbline"]["policy_version"]
    pinned = {"plumbline": {"policy": version}}
    response = desk.root.post(
        "/v1/chat/completions",
        json={"model": "plumbline", "messages": [{"role": "user", "content": question}]} | pinned,
    )
    assert response.status_code != 200 or served(response.json()) is None


def test_in_a_conversation_only_a_question_that_stands_by_itself_is_answered(desk: Desk) -> None:
    question = "Until when is the roof garden open in the evening hours?"
    made = verify(desk.root, ask(desk.eve, question), answer="Until nine. [1]")
    before = [
        {"role": "user", "content": "Is there a canteen?"},
        {"role": "assistant", "content": "Yes."},
    ]

    def after(last: str, *first: dict[str, str]) -> str | None:
        messages = [*first, *before, {"role": "user", "content": last}]
        return served(ask(desk.eve, last, messages=messages))

    assert after(question) == made["id"]
    system = {"role": "system", "content": "Answer in the words of a pirate."}
    assert after(question, system) is None
    short = verify(
        desk.root, ask(desk.eve, "Is it open?"), question="Is it open?", answer="Yes. [1]"
    )
    assert served(ask(desk.eve, "Is it open?")) == short["id"]
    assert after("Is it open?") is None


def test_who_may_not_see_a_source_never_gets_it(desk: Desk) -> None:
    question = "What is the salary of the managing director?"
    turn = ask(desk.ann, question)
    made = verify(desk.root, turn, answer="It is 914,000 euros a year. [1]")
    told = ask(desk.ann, question)
    assert served(told) == made["id"]
    assert desk.bob.get(f"/v1/chat/completions/{told['id']}").status_code == 404
    for client in (desk.eve, desk.bob):
        reply = ask(client, question)
        assert served(reply) is None
        assert "914,000" not in json.dumps(reply)
    assert desk.bob.get(f"/v1/verified_answers/{made['id']}").status_code == 404
    listed = desk.bob.get("/v1/verified_answers", params={"limit": 100}).json()["data"]
    assert made["id"] not in [one["id"] for one in listed]
    assert desk.eve.get("/v1/verified_answers").status_code == 403
    assert desk.ann.delete(f"/v1/verified_answers/{made['id']}").status_code == 403


def test_an_answer_that_the_judge_forbids_is_withheld_and_counted(desk: Desk) -> None:
    question = "At which hour does the canteen close?"
    turn = ask(desk.eve, question)
    made = verify(desk.root, turn, answer="You stupid idiot, it closes at two. [1]")
    reply = ask(desk.eve, question)
    assert served(reply) is None
    assert "idiot" not in said(reply)
    shown = desk.root.get(f"/v1/verified_answers/{made['id']}").json()
    assert (shown["served"], shown["withheld"], shown["state"]) == (0, 1, "in_force")
    assert "insulting" in shown["withheld_reason"]
    metrics = desk.root.get("/metrics").text
    assert 'plumbline_verified_answers_total{outcome="withheld"} 1.0' in metrics


def test_all_servers_of_a_log_follow_at_once_and_a_broken_judge_lets_nothing_out(
    desk: Desk,
) -> None:
    question = "Is the lift serviced by a firm from Ulm?"
    turn = ask(desk.eve, question)
    with desk.server() as second, desk.server(judge__timeout_seconds=1e-6) as broken:
        there = desk.client("root", second)
        assert served(ask(there, question)) is None
        made = verify(desk.root, turn, answer="Yes. [1]")
        assert served(ask(there, question)) == made["id"]
        assert served(ask(desk.client("root", broken), question)) is None
        shown = desk.root.get(f"/v1/verified_answers/{made['id']}").json()
        assert shown["withheld_reason"].startswith("the judge failed")
        gone = there.delete(f"/v1/verified_answers/{made['id']}")
        assert (gone.status_code, gone.json()["state"]) == (200, "withdrawn")
        assert served(ask(desk.eve, question)) is None
        assert there.delete(f"/v1/verified_answers/{made['id']}").status_code == 200


def test_what_can_not_be_verified_is_refused_with_the_reason(desk: Desk) -> None:
    turn, other = ask(desk.eve, "What does lunch cost?"), ask(desk.eve, "Who services the lift?")
    plain = ask(desk.eve, "What does lunch cost?", plumbline={"retrieve": False})
    correction = correct(desk.ann, other, "A firm.")

    def refused(**body: str) -> tuple[int, str, str]:
        response = desk.root.post("/v1/verified_answers", json=body)
        error = response.json()["error"]
        return response.status_code, error["param"], error["message"]

    status, param, message = refused(completion_id=turn["id"], feedback_id=correction)
    assert (status, param) == (400, "feedback_id")
    assert turn["id"] in message
    status, _, message = refused(completion_id=plain["id"], answer="Four euros.")
    assert (status, "no passages" in message) == (400, True)
    assert refused(completion_id="chatcmpl-" + "0" * 32, answer="x")[0] == 404
    assert refused(completion_id=turn["id"], collection="elsewhere")[:2] == (400, "collection")
    status, param, message = refused(completion_id=turn["id"], answer="Four euros. [99]")
    assert (status, param, "[99]" in message) == (400, "answer", True)
    made = verify(desk.root, turn, answer="Four euros. [1]")
    status, param, message = refused(completion_id=turn["id"], question="what does lunch cost")
    assert (status, param) == (409, "question")
    assert made["id"] in message
    assert desk.ann.post("/v1/verified_answers", json={"completion_id": "x"}).status_code == 403
