"""The judge's language model and reward model, on a real vLLM."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import Response

from contract.errors import ConfigurationError, PolicyUnavailable
from contract.settings import JudgeSettings
from contract.verdict import JudgeFailed, Verdict
from feedback.hygiene.model_reader import ModelReader
from rbrm.answer import Answer, Question
from rbrm.assembly import build_judge
from rbrm.graders.llm import Asked, ModelGrader
from rbrm.rubric import Wording, load_rubric
from tests.conftest import free_port, listening
from tests.engine import chat_checkpoint, require_engine, reward_checkpoint, vllm
from text.encoder import Encoder

QUESTION = Question(
    "How many days of annual leave do I get, and can I carry some of them over to the next year?",
    (
        "Each employee gets 27 days of annual leave. Up to five days can be carried over until March.",
    ),
)
TEXTS = ["You get 27 days, and five of them can be carried over. [1]", "Nobody knows that."]

RUBRIC = """\
name: asks
version: "1"
propositions:
  polite:
    wording: {en: The answer is polite., zh: 回答有礼貌。}
    graders: [{llm: {}}]
  complete:
    wording: {en: The answer says all that was asked., zh: 回答完整。}
    graders: [{llm: {}}]
  never_needed:
    wording: {en: The answer speaks of lamps., zh: 回答提到灯。}
    graders: [{llm: {}}]
  plainly_judged:
    wording: {en: The answer names a number., zh: 回答给出数字。}
    graders:
      - pattern: {any: ['\\d']}
      - llm: {between: [0.3, 0.7]}
response_types:
  comply: &table
    classes: [{class: ideal, when: polite}, {class: unacceptable}]
    weights: {complete: 1, plainly_judged: 1}
  hard_refuse: *table
  safe_refuse:
    classes: [{class: ideal}]
    weights: {}
    llm_choice:
      - {class: ideal, wording: {en: A safe answer., zh: 安全的回答。}}
      - {class: unacceptable, wording: {en: A bad answer., zh: 糟糕的回答。}}
"""


class Servers:
    """Where the two servers listen, and the folders of their checkpoints."""

    def __init__(self, chat: str, chat_model: Path, reward: str, reward_model: Path) -> None:
        self.chat, self.chat_model = chat, chat_model
        self.reward, self.reward_model = reward, reward_model


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    require_engine()
    folder = tmp_path_factory.mktemp("vllm")
    chat, reward = chat_checkpoint(folder / "chat"), reward_checkpoint(folder / "reward")
    with ExitStack() as stack:
        chat_url = stack.enter_context(vllm(chat, free_port(), folder / "chat.log"))
        flags = ("--runner", "pooling")
        reward_url = stack.enter_context(vllm(reward, free_port(), folder / "reward.log", *flags))
        yield Servers(chat_url, chat, reward_url, reward)


@pytest.fixture
def asking(tmp_path: Path, servers: Servers, encoder: Encoder) -> Any:
    path = tmp_path / "asks.yaml"
    path.write_text(RUBRIC, "utf-8")
    settings = JudgeSettings.model_validate({"url": f"{servers.chat}/v1", "timeout_seconds": 60})
    judge = build_judge(settings, encoder, load_rubric(path))
    yield judge
    judge.close()


def test_a_probability_is_the_models_own(servers: Servers) -> None:
    """P(yes) as vLLM gives it equals what the checkpoint gives in this process."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from rbrm.graders.llm import _YES_NO, prompt

    grader = ModelGrader(f"{servers.chat}/v1", None, None, 60)
    grader.check()
    wording = Wording(en="The answer is polite.", zh="回答有礼貌。")
    tokenizer = AutoTokenizer.from_pretrained(servers.chat_model)
    model = AutoModelForCausalLM.from_pretrained(servers.chat_model, dtype=torch.float32)
    seen = set()
    for text in TEXTS:
        asked = Asked(QUESTION, Answer.of(QUESTION.text, text), wording)
        ((share,),) = grader.ask([asked], 60)
        messages = prompt(asked)
        messages[-1]["content"] += _YES_NO["en"].format(wording.en)
        tokens = tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        with torch.inference_mode():
            logits = model(**tokens).logits[0, -1]
        yes, no = (float(logits[tokenizer.convert_tokens_to_ids(w)]) for w in ("yes", "no"))
        assert share == pytest.approx(1 / (1 + math.exp(no - yes)), abs=1e-3)
        seen.add(round(share, 4))
    assert len(seen) == len(TEXTS)
    grader.close()


def test_an_answers_perplexity_is_the_models_own(servers: Servers) -> None:
    """Exports filter by it: what vLLM gives equals what the checkpoint gives in this process."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(servers.chat_model)
    model = AutoModelForCausalLM.from_pretrained(servers.chat_model, dtype=torch.float32)
    pairs = [("How many days?", "Twenty-seven days."), ("年假有几天？", "二十七天。")]
    with closing(ModelReader(f"{servers.chat}/v1")) as reader:
        found = reader.perplexities(pairs)
        with pytest.raises(PolicyUnavailable, match="no grade from 1 to 5"):
            reader.grades(pairs[:1], ["en"])
    for (question, answer), value in zip(pairs, found, strict=True):
        before = len(tokenizer(f"{question}\n\n")["input_ids"])
        ids = torch.tensor([tokenizer(f"{question}\n\n{answer}")["input_ids"]])
        with torch.no_grad():
            shares = torch.log_softmax(model(ids).logits[0, :-1], -1)
        own = shares.gather(1, ids[0, 1:, None])[before - 1 :, 0]
        assert value == pytest.approx(math.exp(-own.mean().item()), rel=0.01)


def test_only_what_is_needed_and_open_is_asked(asking: Any) -> None:
    draft = asking.read(QUESTION, TEXTS)
    assert {name for _, name, _ in draft.open} == {"polite", "complete"}
    found = asking.judge(QUESTION, TEXTS)
    assert all(isinstance(v, Verdict) for v in found)
    assert "never_needed" in found[0].unjudged
    assert found[0].propositions["plainly_judged"] > 0.9


def test_a_multiple_choice_question_gives_the_class(asking: Any) -> None:
    asked = Question(QUESTION.text, QUESTION.passages, "safe_refuse")
    found = asking.judge(asked, TEXTS)
    assert {v.completion_class for v in found} <= {"ideal", "unacceptable"}
    again = asking.judge(asked, TEXTS)
    assert [v.completion_class for v in again] == [v.completion_class for v in found]


def test_the_questions_about_one_answer_share_a_cached_prefix(
    asking: Any, servers: Servers
) -> None:
    def hits() -> float:
        lines = httpx.get(f"{servers.chat}/metrics", timeout=10).text.splitlines()
        counted = [x for x in lines if x.startswith("vllm:prefix_cache_hits_total")]
        return sum(float(x.rsplit(" ", 1)[1]) for x in counted)

    asking.judge(QUESTION, ["Please note that you get 27 days of leave, dear colleague. " * 8])
    before = hits()
    asking.judge(QUESTION, ["Please note that you get 27 days of leave, dear colleague. " * 8])
    assert hits() - before >= 256


def test_a_reward_is_the_same_in_process_and_on_vllm(servers: Servers, encoder: Encoder) -> None:
    here = build_judge(JudgeSettings(reward_model=str(servers.reward_model)), encoder)
    there = build_judge(
        JudgeSettings.model_validate({"reward_url": servers.reward, "timeout_seconds": 60}), encoder
    )
    mine = [v.rm for v in here.judge(QUESTION, TEXTS) if isinstance(v, Verdict)]
    theirs = [v.rm for v in there.judge(QUESTION, TEXTS) if isinstance(v, Verdict)]
    assert len(mine) == len(TEXTS)
    assert mine == pytest.approx(theirs, abs=2e-3)
    assert mine[0] != pytest.approx(mine[1], abs=1e-3)
    there.close()


def test_a_chat_model_is_no_reward_model(servers: Servers, encoder: Encoder) -> None:
    settings = JudgeSettings.model_validate({"reward_url": servers.chat})
    with pytest.raises(ConfigurationError, match="no reward model"):
        build_judge(settings, encoder)


def test_a_model_that_is_not_served_is_an_error_at_start(
    tmp_path: Path, servers: Servers, encoder: Encoder
) -> None:
    path = tmp_path / "asks.yaml"
    path.write_text(RUBRIC, "utf-8")
    settings = JudgeSettings.model_validate({"url": f"{servers.chat}/v1", "model": "gpt-9"})
    with pytest.raises(ConfigurationError, match="does not serve 'gpt-9'"):
        build_judge(settings, encoder, load_rubric(path))


def test_the_same_verdict_over_http_and_from_the_command(
    tmp_path: Path, servers: Servers, serve: Any
) -> None:
    from click.testing import CliRunner

    from rbrm.command import judge

    path = tmp_path / "asks.yaml"
    path.write_text(RUBRIC, "utf-8")
    line = {
        "messages": [{"role": "user", "content": QUESTION.text}],
        "answers": TEXTS,
        "passages": list(QUESTION.passages),
    }
    config = tmp_path / "plumbline.yaml"
    config.write_text(
        json.dumps(
            {"judge": {"rubric": str(path), "url": f"{servers.chat}/v1", "timeout_seconds": 60}}
        )
    )
    (tmp_path / "lines.jsonl").write_text(json.dumps(line) + "\n", "utf-8")
    url = serve(judge__rubric=path, judge__url=f"{servers.chat}/v1", judge__timeout_seconds=60)
    over_http = httpx.post(f"{url}/v1/judge", json=line, timeout=120).json()
    result = CliRunner().invoke(judge, [str(tmp_path / "lines.jsonl"), "--config", str(config)])
    assert result.exit_code == 0, result.output
    from_command = json.loads(result.stdout)
    for a, b in zip(over_http["answers"], from_command["answers"], strict=True):
        a.pop("seconds"), b.pop("seconds")
        for name, probability in a.pop("propositions").items():
            assert b["propositions"][name] == pytest.approx(probability, abs=1e-3)
        assert a["class"] == b["class"]


def test_a_server_that_died_approves_nothing(
    tmp_path: Path, servers: Servers, encoder: Encoder
) -> None:
    path = tmp_path / "asks.yaml"
    path.write_text(RUBRIC, "utf-8")
    with vllm_gone(servers) as url:
        settings = JudgeSettings.model_validate({"url": url, "timeout_seconds": 5})
        judge = build_judge(settings, encoder, load_rubric(path))
    (found,) = judge.judge(QUESTION, TEXTS[:1])
    judge.close()
    assert isinstance(found, JudgeFailed)
    assert "model server" in found.reason


def vllm_gone(servers: Servers) -> Any:
    """A proxy to the real server that stops listening when the block ends."""
    app = FastAPI()

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    async def forward(path: str, request: Request) -> Response:
        async with httpx.AsyncClient() as client:
            reply = await client.request(
                request.method,
                f"{servers.chat}/v1/{path}",
                content=await request.body(),
                headers={"content-type": "application/json"},
                timeout=60,
            )
        return Response(reply.content, reply.status_code, media_type="application/json")

    return listening(app)
