"""How many candidates are sampled, how they are chosen, and what the reply says of it."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.conftest import Serve, ask
from tests.scripted_policy import ScriptedPolicy

QUESTION = "How many days of parental leave do I get?"
GOOD = "You get 80 working days of parental leave [1]."
BAD = "You are a complete idiot."


def contents(reply: dict) -> list[str]:
    return [choice["message"]["content"] for choice in reply["choices"]]


def test_candidates_share_one_request_and_the_best_is_served(
    policy: ScriptedPolicy, serve: Serve
) -> None:
    policy.script(BAD, GOOD, "No.")
    reply = ask(serve(policy__url=policy.url), QUESTION, plumbline={"candidates": 3})
    assert contents(reply) == [GOOD]
    assert [request.get("n") for request in policy.requests] == [3]
    ours = reply["plumbline"]
    assert ours["sampled"] == 3
    assert "among 3 candidates" in ours["reason"] or "of 3 candidates" in ours["reason"]


def test_at_temperature_0_the_first_is_sampled_so_and_the_others_with_variety(
    policy: ScriptedPolicy, serve: Serve
) -> None:
    policy.script(GOOD, "80 days [1].", "Eighty working days [1].")
    url = serve(policy__url=policy.url)
    ask(url, QUESTION, temperature=0, plumbline={"candidates": 3})
    by_count = {request.get("n", 1): request for request in policy.requests}
    assert by_count[1]["temperature"] == 0
    assert (by_count[2]["temperature"], by_count[2]["top_p"]) == (0.7, 0.95)


def test_choices_and_candidates_share_one_request_and_duplicates_are_dropped(
    policy: ScriptedPolicy, serve: Serve
) -> None:
    policy.script(GOOD, GOOD, "80 days [1].", BAD)
    reply = ask(
        serve(policy__url=policy.url),
        QUESTION,
        n=2,
        plumbline={"candidates": 2, "show_candidates": True},
    )
    assert [request["n"] for request in policy.requests] == [4]
    assert contents(reply) == [GOOD, "80 days [1]."]
    shown = reply["plumbline"]["candidates"]
    assert [(c["choice"], c["served"]) for c in shown] == [(0, True), (1, True), (1, False)]


def test_auto_is_content_where_the_first_agree(policy: ScriptedPolicy, serve: Serve) -> None:
    policy.script(GOOD, "You get 80 working days of leave [1].", BAD)
    url = serve(policy__url=policy.url, policy__candidates="auto", policy__auto_margin=50)
    reply = ask(url, QUESTION)
    assert [request["n"] for request in policy.requests] == [2]
    assert reply["plumbline"]["sampled"] == 2


def test_auto_spends_more_where_they_fall_short(policy: ScriptedPolicy, serve: Serve) -> None:
    policy.script(BAD, "You worthless fool.", GOOD)
    reply = ask(
        serve(policy__url=policy.url, policy__auto_candidates=5),
        QUESTION,
        plumbline={"candidates": "auto"},
    )
    assert [request["n"] for request in policy.requests] == [2, 3]
    assert contents(reply) == [GOOD]
    assert reply["plumbline"]["attempts"] == 1


def test_the_likeliest_acceptable_candidate_can_be_chosen(
    policy: ScriptedPolicy, serve: Serve
) -> None:
    def choice(text: str, logprob: float) -> dict:
        token = {"token": text, "logprob": logprob, "bytes": None, "top_logprobs": []}
        return {
            "message": {"role": "assistant", "content": text},
            "logprobs": {"content": [token]},
            "finish_reason": "stop",
        }

    choices = [choice(GOOD, -2.0), choice("You get eighty days [1].", -0.5), choice(BAD, -0.1)]
    policy.script((200, {"choices": choices, "usage": {}}))
    url = serve(policy__url=policy.url, decision__select_by="mean_logprob")
    reply = ask(url, QUESTION, plumbline={"candidates": 3, "show_candidates": True})
    assert policy.requests[0]["logprobs"] is True
    assert contents(reply) == ["You get eighty days [1]."]
    assert "mean log-probability" in reply["plumbline"]["reason"]
    assert reply["choices"][0]["logprobs"] is None
    assert [c["mean_logprob"] for c in reply["plumbline"]["candidates"]] == [-2.0, -0.5, -0.1]


@pytest.mark.parametrize(
    "budget", [{"attempts": 1}, {"budget_tokens": 5}, {"budget_seconds": 1e-6}]
)
def test_every_budget_ends_the_attempts(policy: ScriptedPolicy, serve: Serve, budget: dict) -> None:
    policy.script(BAD)
    settings = {f"decision__{name}": value for name, value in budget.items()}
    reply = ask(serve(policy__url=policy.url, **{"decision__attempts": 3} | settings), QUESTION)
    assert len(policy.requests) == 1
    assert reply["plumbline"]["decision"] == "refuse"


def test_the_decision_explains_itself(policy: ScriptedPolicy, serve: Serve) -> None:
    policy.script(BAD, GOOD)
    ours = ask(serve(policy__url=policy.url), QUESTION)["plumbline"]
    (first,) = ours["turned_down"]
    assert first["candidates"] == 1
    assert "insulting_language" in first["reason"]
    assert ours["reason"] == "the only candidate is acceptable"


def test_without_documents_the_messages_go_as_they_came(
    policy: ScriptedPolicy, serve: Serve
) -> None:
    policy.script("Fine, thank you.", BAD)
    url = serve(policy__url=policy.url)
    messages = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello!"}]
    reply = ask(url, "", messages=messages, plumbline={"retrieve": False})
    assert policy.requests[0]["messages"] == messages
    assert contents(reply) == ["Fine, thank you."]
    assert reply["plumbline"]["passages"] == []
    refused = ask(url, "", messages=messages, plumbline={"retrieve": False})
    assert refused["plumbline"]["decision"] == "refuse"


def test_with_judging_switched_off_every_answer_says_so(
    policy: ScriptedPolicy, serve: Serve, tmp_path: Path
) -> None:
    policy.script(BAD)
    url = serve(policy__url=policy.url, judge__enabled=False)
    reply = ask(url, QUESTION)
    assert contents(reply) == [BAD]
    assert "unjudged" in reply["plumbline"]["verdict"]
    stored = httpx.get(f"{url}/v1/chat/completions/{reply['id']}").json()
    assert "unjudged" in stored["plumbline"]["log"]["candidates"][0]["verdict"]
