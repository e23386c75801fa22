import asyncio

import pytest

from contract.candidate import Candidate, Prompt, Sampling
from contract.errors import PolicyUnavailable
from contract.model_server import ModelServer
from contract.passage import Evidence
from contract.settings import PolicySettings
from server.policy.openai import OpenAIPolicy
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


def test_further_candidates_are_sampled_with_more_variety(policy: ScriptedPolicy) -> None:
    policy.script("a", "b", "c")
    texts = {answer.text for answer in generate(policy.url, 3, temperature=0.0)}
    assert texts == {"a", "b", "c"}
    by_count = {request.get("n", 1): request for request in policy.requests}
    assert by_count[1]["temperature"] == 0.0
    assert (by_count[2]["temperature"], by_count[2]["top_p"]) == (0.7, 0.95)


def test_duplicates_are_dropped(policy: ScriptedPolicy) -> None:
    policy.script("same")
    assert [answer.text for answer in generate(policy.url, 4)] == ["same"]


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
