"""How soon harmless text comes through a guarded stream."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.gateway.client import Answer, fetch, get
from benchmarks.gateway.engine import Script
from benchmarks.gateway.processes import Server
from benchmarks.gateway.run import Run
from benchmarks.gateway.streams import ask, each, ends_of, guarded, language_of
from benchmarks.gateway.targets import Target
from benchmarks.report import table
from benchmarks.streaming_cases.plant import harmless


async def flow(run: Run) -> str:
    """The share of tokens that come before the engine has finished the answer."""
    clean = [text for text in harmless() if "```" not in text and "\n|" not in text]
    clean = clean[:: 20 if run.quick else 4]
    rows = []
    for pace in (0.02, 0.005):
        for at_once in (1,) if run.quick else (1, 8):
            async with guarded([Script(text, 0.1, pace) for text in clean]) as (target, upstream):
                share = await _share_before_end(target, upstream, clean, at_once)
            rows.append([f"{1000 * pace:.0f}", at_once, len(clean), f"{100 * share:.1f} %"])
    header = ["ms a token", "streams at once", "answers", "tokens before the engine's last"]
    return table(header, rows)


async def _share_before_end(
    target: Target, upstream: Server, texts: Sequence[str], at_once: int
) -> float:
    async def one(number: int) -> Answer:
        return await ask(target, number, language_of(texts[number]))

    answers = await each(one, range(len(texts)), at_once)
    finished = (await fetch(upstream.port, get("/stats")))["finished"]
    early = total = 0
    for number, (text, answer) in enumerate(zip(texts, answers, strict=True)):
        events = [(at, c["delta"]) for at, e in answer.events() for c in e.get("choices", ())]
        end = finished[str(number)]
        shown = sum(len(delta.get("content") or "") for at, delta in events if at < end)
        early += sum(offset <= shown for offset in ends_of(text))
        total += len(ends_of(text))
    return early / total
