"""How much of a prompt comes from the engine's prefix cache, by where the passages stand in it.

    python -m benchmarks.prefix_cache

Conversations of five turns: the handbook's questions in the order of the file, each with the passages that
retrieval finds for it and an answer: the embedded reader's, a sentence or two, or, as long as a language
model's often is, the best passage. The same texts are put together in three ways:

- ours: instructions, conversation so far, this turn's passages, question (`server/prompt.py`);
- passages first: instructions and this turn's passages, conversation so far, question;
- passages kept: as ours, but earlier turns keep their passages, so that nothing before them ever changes.

A real vLLM that Plumbline starts serves a tiny random checkpoint in which a character is about a token, so
shares carry over to real models and milliseconds do not. Each way has a cache of its own (`cache_salt`), which
all conversations share, as they do in use; the ways take turns, so that a busy machine is busy for all.
"""

from __future__ import annotations

import asyncio
import importlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

import click
import httpx

from benchmarks.latency import questions
from benchmarks.report import publish, table
from contract.access import OWNER
from contract.candidate import Prompt, Sampling
from contract.messages import Message
from contract.passage import Evidence
from contract.settings import ReaderSettings, RetrievalSettings, Settings
from ingest.build import Ingest
from retrieval.retrieve import Retriever
from server.engine.supervisor import Supervisor
from server.policy.reader import ReaderPolicy
from server.prompt import build_prompt
from text.encoder import Encoder

ROOT = Path(__file__).parent.parent
TURNS = 5
POSITIONS = 65536

Messages = list[Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Turn:
    """One question, what was found for it, and what was answered."""

    question: str
    evidence: Evidence
    answer: str


@dataclass(slots=True)
class Count:
    """Prompt and cached tokens of each turn of a conversation, over all conversations of one way."""

    tokens: list[int] = field(default_factory=lambda: [0] * TURNS)
    cached: list[int] = field(default_factory=lambda: [0] * TURNS)
    prompts: int = 0
    seconds: float = 0.0

    def share(self, turn: int | None = None) -> str:
        """What came from the cache, at one turn or at all."""
        turns = range(TURNS) if turn is None else [turn]
        return f"{sum(self.cached[t] for t in turns) / sum(self.tokens[t] for t in turns):.0%}"


def conversations(encoder: Encoder, index: Path) -> list[list[Turn]]:
    """The handbook's questions in fives, each language for itself."""
    retriever = Retriever(index, encoder, RetrievalSettings())
    retriever.open()
    with ThreadPoolExecutor(max_workers=1) as executor:
        reader = ReaderPolicy(encoder, executor, ReaderSettings())
        found: list[list[Turn]] = []
        for language in ("en", "zh"):
            asked = [q["question"] for q in questions() if q["language"] == language]
            turns = [_turn(text, retriever, reader) for text in asked]
            found += [turns[i : i + TURNS] for i in range(0, len(turns) - TURNS + 1, TURNS)]
    retriever.close()
    return found


def _turn(text: str, retriever: Retriever, reader: ReaderPolicy) -> Turn:
    evidence = retriever.retrieve(text, access=OWNER)
    asked = build_prompt([Message(role="user", content=text)], evidence)
    (answer, *_) = asyncio.run(reader.generate(asked, 1, Sampling()))
    return Turn(text, evidence, answer.text)


def ours(before: Sequence[Turn], now: Turn) -> Messages:
    """As Plumbline asks."""
    said = [m for turn in before for m in _said(turn)]
    history = [Message.model_validate(m) for m in said]
    return list(_prompt(now, history).messages)


def passages_first(before: Sequence[Turn], now: Turn) -> Messages:
    """The same texts, the passages before the conversation."""
    system, last = _prompt(now, []).messages
    passages, _, question = last["content"].rpartition("\n\n")
    first = {"role": "system", "content": f"{system['content']}\n\n{passages}"}
    return [first, *(m for t in before for m in _said(t)), {"role": "user", "content": question}]


def passages_kept(before: Sequence[Turn], now: Turn) -> Messages:
    """As Plumbline asked at each turn, one after the other."""
    system, last = _prompt(now, []).messages
    kept = [
        message
        for turn in before
        for message in (
            _prompt(turn, []).messages[1],
            {"role": "assistant", "content": turn.answer},
        )
    ]
    return [system, *kept, last]


def _prompt(turn: Turn, history: list[Message]) -> Prompt:
    return build_prompt([*history, Message(role="user", content=turn.question)], turn.evidence)


def _said(turn: Turn) -> Iterator[Mapping[str, str]]:
    yield {"role": "user", "content": turn.question}
    yield {"role": "assistant", "content": turn.answer}


WAYS = {
    "ours: passages after the conversation": ours,
    "passages first": passages_first,
    "passages kept in the conversation": passages_kept,
}


ANSWERS: dict[str, Callable[[Turn], Turn]] = {
    "short answers": lambda turn: turn,
    "long answers": lambda turn: replace(turn, answer=turn.evidence.passages[0].text),
}


def measure(
    engine: Supervisor, talks: Sequence[Sequence[Turn]]
) -> tuple[dict[tuple[str, str], Count], str]:
    """Ask every turn in every way; also the version of vLLM."""
    root = engine.urls[0].removesuffix("/v1")
    headers = {"authorization": f"Bearer {engine.key}"}
    counts = {(answers, way): Count() for answers in ANSWERS for way in WAYS}
    with httpx.Client(base_url=root, headers=headers, timeout=600, trust_env=False) as client:
        for way, prompt in WAYS.items():  # compiled and allocated before anything is counted
            _ask(client, engine.model, prompt([], talks[0][0]), f"warm {way}", Count(), 0)
        for (answers, spoken), talk in product(ANSWERS.items(), talks):
            said = [spoken(turn) for turn in talk]
            for place, (way, prompt) in product(range(TURNS), WAYS.items()):
                messages = prompt(said[:place], said[place])
                count = counts[answers, way]
                _ask(client, engine.model, messages, f"{answers} {way}", count, place)
        version = str(client.get("/version").json()["version"])
    return counts, version


def _ask(
    client: httpx.Client, model: str, messages: Messages, salt: str, count: Count, place: int
) -> None:
    body: dict[str, Any] = {
        "model": model,
        "messages": messages,
        "max_tokens": 1,
        "cache_salt": salt,
    }
    before = _prefill_seconds(client)
    usage = client.post("/v1/chat/completions", json=body).raise_for_status().json()["usage"]
    count.seconds += _prefill_seconds(client) - before
    count.prompts += 1
    count.tokens[place] += usage["prompt_tokens"]
    count.cached[place] += (usage["prompt_tokens_details"] or {}).get("cached_tokens") or 0


def _prefill_seconds(client: httpx.Client) -> float:
    lines = client.get("/metrics").text.splitlines()
    name = "vllm:request_prefill_time_seconds_sum"
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


def report(counts: Mapping[tuple[str, str], Count], version: str, talks: int) -> str:
    """The table."""
    header = [
        *("answers", "prompt order", "tokens a prompt", "from the cache"),
        *(f"at turn {turn + 1}" for turn in (1, 2, 4)),
        *("computed a prompt", "prefill ms"),
    ]
    rows = [
        [
            *(answers.removesuffix(" answers"), way, f"{sum(c.tokens) / c.prompts:.0f}", c.share()),
            *(c.share(turn) for turn in (1, 2, 4)),
            f"{(sum(c.tokens) - sum(c.cached)) / c.prompts:.0f}",
            f"{1000 * c.seconds / c.prompts:.0f}",
        ]
        for (answers, way), c in counts.items()
    ]
    return f"{talks} conversations of {TURNS} turns, vLLM {version}.\n\n{table(header, rows)}"


@click.command()
def main() -> None:
    """Ingest the handbook, start vLLM, ask everything in three ways, write the result."""
    with tempfile.TemporaryDirectory() as folder:
        encoder = Encoder()
        index = Path(folder) / "index"
        Ingest(index, encoder, RetrievalSettings()).run([ROOT / "examples" / "handbook"], "default")
        talks = conversations(encoder, index)
        model = importlib.import_module("tests.engine").chat_checkpoint(
            Path(folder) / "tiny", positions=POSITIONS
        )
        engine = Supervisor(
            Settings().replace(
                {"data_dir": Path(folder), "engine.model": str(model), "engine.kv_cache_gib": 2}
            )
        )
        engine.start()
        try:
            engine.wait_until_ready()
            counts, version = measure(engine, talks)
        finally:
            engine.close()
    publish(
        "prefix_cache", "python -m benchmarks.prefix_cache", report(counts, version, len(talks))
    )


if __name__ == "__main__":
    main()
