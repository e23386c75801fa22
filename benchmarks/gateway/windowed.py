"""Rows about guarded streams: what of a violation gets out, and how soon harmless text does."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import click

from benchmarks.gateway.client import Answer, Connection, fetch, get, post
from benchmarks.gateway.engine import Script, tokens
from benchmarks.gateway.processes import SERVER_CORE, Server
from benchmarks.gateway.run import Run
from benchmarks.gateway.targets import OFF, Target, engine, plumbline, settings_file
from benchmarks.report import table
from benchmarks.streaming_cases.plant import Case, harmless, planted

T = TypeVar("T")
R = TypeVar("R")

_OURS = "Plumbline, windowed"
_AT_ONCE = 4
_PACE = 0.001
_QUESTION = {"en": "Can you explain this to me in full?", "zh": "请你详细说明一下，好吗？"}
# NeMo Guardrails' defaults for output rails on streams: chunks of so many tokens, of which so many are
# context from the chunk before; what is checked has gone out (`stream_first`).
_CHUNK, _CONTEXT = 200, 50
# LiteLLM's default for guardrails on streams: every fifth chunk the text so far is checked.
_EVERY = 5


@dataclass(frozen=True)
class Seen:
    """What a client got: the text, and whether the stream was ended by the guard."""

    text: str
    blocked: bool


@dataclass(frozen=True)
class Outcome:
    """A case, whether the judge finds a violation in the whole text, and how many characters of the
    violating sentence each manner let out."""

    case: Case
    recognised: bool
    exposed: dict[str, int]
    blocked: bool


async def windowed(run: Run) -> str:
    """Both tables."""
    return f"{await leaks(run)}\n\n{await _flow(run)}"


async def leaks(run: Run) -> str:
    """Characters of planted violations that came out, and harmless answers that were stopped."""
    cases, clean = planted(), harmless()
    if run.quick:
        cases, clean = cases[::25], clean[::12]
    texts = [case.text for case in cases] + clean
    async with _guarded([Script(text, pace=_PACE) for text in texts]) as (target, _):

        async def one(number: int) -> Outcome:
            return await _outcome(target, cases[number], number)

        outcomes = await _all(one, range(len(cases)))

        async def stopped(number: int) -> bool:
            return (await _stream(target, number + len(cases), _language(clean[number]))).blocked

        over = sum(await _all(stopped, range(len(clean))))
    for leaked in (o for o in outcomes if o.recognised and o.exposed[_OURS]):
        click.echo(f"leaked: {leaked.case.id} ({leaked.case.position})", err=True)
    return _report(outcomes, over, len(clean))


async def _outcome(target: Target, case: Case, number: int) -> Outcome:
    seen = await _stream(target, number, case.language)
    exposed = {_OURS: _exposed(case, seen.text)}
    recognised = await _violates(target, case.language, case.text)
    if recognised:
        exposed["the same judge every 200 tokens, after they are sent"] = await _by_chunks(
            target, case
        )
        exposed["the same judge on the text so far, every 5 tokens"] = await _by_fives(target, case)
    return Outcome(case, recognised, exposed, seen.blocked)


async def _stream(target: Target, number: int, language: str) -> Seen:
    """The text of one windowed stream, refusals left out."""
    messages = [{"role": "user", "content": _QUESTION[language]}]
    connection = Connection(target.server.port)
    answer = await connection.ask(target.chat(seed=number, messages=messages, stream=True))
    connection.close()
    if answer.status != 200 or not answer.whole:
        raise RuntimeError(f"a stream failed: {answer.status} {answer.body[:500]!r}")
    return seen_in(answer)


def seen_in(answer: Answer) -> Seen:
    """Content and ending of a stream.

    Raises:
        RuntimeError: the stream holds an error.
    """
    text, blocked = "", False
    for _, event in answer.events():
        if "error" in event:
            raise RuntimeError(f"a stream ended in an error: {event['error']}")
        for choice in event["choices"]:
            blocked |= choice["finish_reason"] == "content_filter"
            text += choice["delta"].get("content") or ""
    return Seen(text, blocked)


def _exposed(case: Case, text: str) -> int:
    """Length of the part of the violating sentence that a text goes on to."""
    same = next(
        (i for i, (a, b) in enumerate(zip(text, case.text)) if a != b),
        min(len(text), len(case.text)),
    )
    return min(max(0, same - case.start), case.end - case.start)


async def _violates(target: Target, language: str, text: str) -> bool:
    """Does the judge find a hard violation in a text?"""
    body = {"prompt": _QUESTION[language], "completion": text}
    reply = await fetch(target.server.port, post("/v1/judge", body))
    return bool(reply["answers"][0]["violations"])


async def _by_chunks(target: Target, case: Case) -> int:
    """Exposed where chunks are checked when they are full or the answer ends, and sent before that."""
    ends = _ends(case.text)
    first, full = 0, _CHUNK
    while True:
        full = min(full, len(ends))
        start = ends[first - 1] if first else 0
        sent = ends[full - 1]
        whole_after = sent > case.start
        if whole_after and await _violates(target, case.language, case.text[start:sent]):
            return _exposed(case, case.text[:sent])
        if full == len(ends):
            return _exposed(case, case.text)
        first, full = full - _CONTEXT, full + _CHUNK - _CONTEXT


async def _by_fives(target: Target, case: Case) -> int:
    """Exposed where every fifth token waits for a check of the text so far."""
    ends = _ends(case.text)
    for number, end in enumerate(ends, 1):
        due = number % _EVERY == 0 or number == len(ends)
        if due and end > case.start:
            if await _violates(target, case.language, case.text[:end]):
                return _exposed(case, case.text[: ends[number - 2] if number > 1 else 0])
    return _exposed(case, case.text)


def _ends(text: str) -> list[int]:
    """The offset behind each token."""
    found, at = [], 0
    for token in tokens(text):
        at += len(token)
        found.append(at)
    return found


def _report(outcomes: Sequence[Outcome], over: int, clean: int) -> str:
    found = [outcome for outcome in outcomes if outcome.recognised]
    rows: list[list[object]] = []
    for name in found[0].exposed if found else ():
        counts = [outcome.exposed[name] for outcome in found]
        whole = sum(o.exposed[name] == o.case.end - o.case.start for o in found)
        shown = sum(count > 0 for count in counts)
        rows.append([name, len(found), sum(counts), shown, whole])
    header = ["manner", "violations that the judge knows", "characters of them seen"]
    first = table([*header, "cases with any", "whole sentences"], rows)
    missed = [outcome for outcome in outcomes if not outcome.recognised]
    stopped = sum(outcome.blocked for outcome in missed)
    said = (
        f"Of the {len(missed)} cases in which the judge finds nothing in the whole answer, the guard "
        f"stopped {stopped} all the same. Harmless answers stopped: {over} of {clean}."
    )
    return f"{first}\n\n{said}\n\n{_recall(outcomes)}"


def _recall(outcomes: Sequence[Outcome]) -> str:
    """How many of the planted violations the judge knows, by what they are."""
    all_of, known = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for outcome in outcomes:
        case = outcome.case
        for group in ("all", case.kind, case.form):
            all_of[group, case.language] += 1
            known[group, case.language] += outcome.recognised
    groups = list(dict.fromkeys(group for group, _ in all_of))
    kinds = {outcome.case.kind for outcome in outcomes}
    groups.sort(key=lambda group: (group != "all", group not in kinds, group))
    rows = [
        [group, *(f"{known[group, lang]} of {all_of[group, lang]}" for lang in ("en", "zh"))]
        for group in groups
    ]
    return table(["planted violations that the judge knows", "en", "zh"], rows)


async def _flow(run: Run) -> str:
    """The share of tokens that come before the engine has finished the answer."""
    clean = [text for text in harmless() if "```" not in text and "\n|" not in text]
    clean = clean[:: 20 if run.quick else 4]
    rows = []
    for pace in (0.02, 0.005):
        for at_once in (1,) if run.quick else (1, 8):
            async with _guarded([Script(text, 0.1, pace) for text in clean]) as (target, upstream):
                share = await _share_before_end(target, upstream, clean, at_once)
            rows.append([f"{1000 * pace:.0f}", at_once, len(clean), f"{100 * share:.1f} %"])
    header = ["ms a token", "streams at once", "answers", "tokens before the engine's last"]
    return table(header, rows)


async def _share_before_end(
    target: Target, upstream: Server, texts: Sequence[str], at_once: int
) -> float:
    async def one(number: int) -> Answer:
        messages = [{"role": "user", "content": _QUESTION[_language(texts[number])]}]
        connection = Connection(target.server.port)
        answer = await connection.ask(target.chat(seed=number, messages=messages, stream=True))
        connection.close()
        return answer

    answers = await _all(one, range(len(texts)), at_once)
    finished = (await fetch(upstream.port, get("/stats")))["finished"]
    early = total = 0
    for number, (text, answer) in enumerate(zip(texts, answers, strict=True)):
        events = [(at, c["delta"]) for at, e in answer.events() for c in e.get("choices", ())]
        end = finished[str(number)]
        shown = sum(len(delta.get("content") or "") for at, delta in events if at < end)
        early += sum(offset <= shown for offset in _ends(text))
        total += len(_ends(text))
    return early / total


@asynccontextmanager
async def _guarded(scripts: Sequence[Script]) -> AsyncIterator[tuple[Target, Server]]:
    """Plumbline with the judge and without retrieval, before an engine with these scripts."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with engine(scripts, folder) as upstream:
            settings = settings_file(folder, upstream.port, retrieval=OFF)
            async with plumbline(settings, cores=SERVER_CORE) as target:
                yield target, upstream


async def _all(
    work: Callable[[T], Awaitable[R]], items: Sequence[T], at_once: int = _AT_ONCE
) -> list[R]:
    """The results in order, `at_once` at a time."""
    gate = asyncio.Semaphore(at_once)

    async def one(item: T) -> R:
        async with gate:
            return await work(item)

    return list(await asyncio.gather(*map(one, items)))


def _language(text: str) -> str:
    return "zh" if any("\u4e00" <= character <= "\u9fff" for character in text) else "en"
