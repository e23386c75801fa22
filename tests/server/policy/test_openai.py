import asyncio

import pytest

from contract.candidate import Candidate, Prompt, Sampling
from contract.errors import PolicyUnavailable
from contract.model_server import ModelServer
from contract.passage import Evidence
from contract.settings import PolicySettings
from server.policy.openai import DEFAULT_CONTEXT_TOKENS, OpenAIPolicy
from tests.conftest import free_port
from tests.scripted_policy import ScriptedPolicy

PROMPT = Prompt(({"role": "user", "content": "hi"},), Evidence("hi", "en"))


def generate(url: str, n: int = 1, **sampling: object) -> list[Candidate]:
    async def run() -> list[Candidate]:
        client = OpenAIPolicy(ModelServer(url), PolicySettings())
        try:
            return list(await client.generate(PROMPT, n, Sampling(**sampling)))  # type: ignore[arg-type]
        finally:
            await client.close()

    return asyncio.run(run())


def test_the_model_is_found_out_and_the_request_passed_on(policy: ScriptedPolicy) -> None:
    policy.script("hello")
    (answer,) = generate(policy.url, temperature=0.1, max_tokens=5, stop=("x",), seed=3)
    assert answer.text == "hello"
    sent = policy.requests[0]
    assert sent["model"] == "scripted"
    assert (sent["temperature"], sent["max_tokens"], sent["stop"], sent["seed"]) == (
        0.1,
        5,
        ["x"],
        3,
    )


@pytest.mark.parametrize("context", [4096, None])
def test_the_server_is_asked_for_its_model_once(
    policy: ScriptedPolicy, context: int | None
) -> None:
    policy.context = context

    async def run() -> int:
        client = OpenAIPolicy(ModelServer(policy.url), PolicySettings())
        try:
            for _ in range(3):
                await client.generate(PROMPT, 1, Sampling())
            return await client.context_tokens()
        finally:
            await client.close()

    assert asyncio.run(run()) == (context or DEFAULT_CONTEXT_TOKENS)
    assert policy.listed == 1


def test_all_candidates_come_from_one_request(policy: ScriptedPolicy) -> None:
    policy.script("a", "b", "c")
    assert [answer.text for answer in generate(policy.url, 3)] == ["a", "b", "c"]
    assert [request["n"] for request in policy.requests] == [3]


def test_a_server_that_knows_no_n_is_asked_again(policy: ScriptedPolicy) -> None:
    policy.knows_n = False
    policy.script("a", "b", "c")
    assert {answer.text for answer in generate(policy.url, 3, seed=5)} == {"a", "b", "c"}
    assert sorted(request["seed"] for request in policy.requests) == [5, 6, 7]


def test_tool_calls_reasoning_logprobs_and_cached_tokens_are_read(policy: ScriptedPolicy) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    token = {"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}
    choice = {
        "message": {"content": None, "tool_calls": [call], "reasoning": "I think."},
        "logprobs": {"content": [token, token | {"logprob": -1.5}]},
        "finish_reason": "tool_calls",
    }
    usage = {"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 8}}
    policy.script((200, {"choices": [choice], "usage": usage}))
    (found,) = generate(policy.url)
    assert (found.text, found.tool_calls, found.reasoning) == ("", (call,), "I think.")
    assert found.mean_logprob == -1.0
    assert found.cached_tokens == 8


@pytest.mark.parametrize(
    "choices", [[{"message": "text"}], ["text"], [], "text", [{"finish_reason": "stop"}]]
)
def test_an_odd_reply_is_the_servers_fault(policy: ScriptedPolicy, choices: object) -> None:
    policy.script((200, {"choices": choices, "usage": "none"}))
    with pytest.raises(PolicyUnavailable):
        generate(policy.url)


def test_content_in_parts_is_joined(policy: ScriptedPolicy) -> None:
    parts = [{"type": "text", "text": "two "}, {"type": "text", "text": "parts"}]
    policy.script((200, {"choices": [{"message": {"content": parts}}]}))
    assert [answer.text for answer in generate(policy.url)] == ["two parts"]


def test_a_dead_server_is_unavailable() -> None:
    with pytest.raises(PolicyUnavailable, match="Is it running"):
        generate(f"http://127.0.0.1:{free_port()}/v1")
