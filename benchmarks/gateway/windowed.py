"""Rows about guarded streams: what of a violation gets out, and how soon harmless text does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import click

from benchmarks.gateway import flow
from benchmarks.gateway.client import fetch, post
from benchmarks.gateway.engine import Script
from benchmarks.gateway.run import Run
from benchmarks.gateway.streams import QUESTION, ask, each, ends_of, guarded, language_of, seen_in
from benchmarks.gateway.targets import Target
from benchmarks.report import table
from benchmarks.streaming_cases.plant import Case, harmless, planted

_OURS = "Plumbline, windowed"
_PACE = 0.001
# NeMo Guardrails' defaults for output rails on streams: chunks of so many tokens, of which so many are
# context from the chunk before; what is checked has gone out (`stream_first`).
_CHUNK, _CONTEXT = 200, 50
# LiteLLM's default for guardrails on streams: every fifth chunk the text so far is checked.
_EVERY = 5


@dataclass(frozen=True)
class Outcome:
    """A case, whether the judge finds a violation in the whole text and none without the planted sentence,
    and how many characters of that sentence each manner let out."""

    case: Case
    recognised: bool
    exposed: dict[str, int]
    blocked: bool


async def windowed(run: Run) -> str:
    """Both tables."""
    return f"{await leaks(run)}\n\n{await flow.flow(run)}"


async def leaks(run: Run) -> str:
    """Characters of planted violations that came out, and harmless answers that were stopped."""
    cases, clean = planted(), harmless()
    if run.quick:
        cases, clean = cases[::25], clean[::12]
    texts = [case.text for case in cases] + clean
    async with guarded([Script(text, pace=_PACE) for text in texts]) as (target, _):

        async def one(number: int) -> Outcome:
            return await _outcome(target, cases[number], number)

        outcomes = await each(one, range(len(cases)))

        async def stopped(number: int) -> bool:
            language = language_of(clean[number])
            return seen_in(await ask(target, number + len(cases), language)).blocked

        over = sum(await each(stopped, range(len(clean))))
    for leaked in (o for o in outcomes if o.recognised and o.exposed[_OURS]):
        click.echo(f"leaked: {leaked.case.id} ({leaked.case.position})", err=True)
    return _report(outcomes, over, len(clean))


async def _outcome(target: Target, case: Case, number: int) -> Outcome:
    seen = seen_in(await ask(target, number, case.language))
    exposed = {_OURS: exposed_of(case, seen.text)}
    without = case.text[: case.start] + case.text[case.end :]
    recognised = await _violates(target, case.language, case.text)
    recognised = recognised and not await _violates(target, case.language, without)
    if recognised:
        exposed["the same judge every 200 tokens, after they are sent"] = await _by_chunks(
            target, case
        )
        exposed["the same judge on the text so far, every 5 tokens"] = await _by_fives(target, case)
    return Outcome(case, recognised, exposed, seen.blocked)


def exposed_of(case: Case, text: str) -> int:
    """Length of the part of the violating sentence that a text goes on to."""
    same = next(
        (i for i, (a, b) in enumerate(zip(text, case.text)) if a != b),
        min(len(text), len(case.text)),
    )
    return min(max(0, same - case.start), case.end - case.start)


async def _violates(target: Target, language: str, text: str) -> bool:
    """Does the judge find a hard violation in a text?"""
    body = {"prompt": QUESTION[language], "completion": text}
    reply = await fetch(target.server.port, post("/v1/judge", body))
    return bool(reply["answers"][0]["violations"])


async def _by_chunks(target: Target, case: Case) -> int:
    """Exposed where chunks are checked when they are full or the answer ends, and sent before that."""
    ends = ends_of(case.text)
    first, full = 0, _CHUNK
    while True:
        full = min(full, len(ends))
        start = ends[first - 1] if first else 0
        sent = ends[full - 1]
        whole_after = sent > case.start
        if whole_after and await _violates(target, case.language, case.text[start:sent]):
            return exposed_of(case, case.text[:sent])
        if full == len(ends):
            return exposed_of(case, case.text)
        first, full = full - _CONTEXT, full + _CHUNK - _CONTEXT


async def _by_fives(target: Target, case: Case) -> int:
    """Exposed where every fifth token waits for a check of the text so far."""
    ends = ends_of(case.text)
    for number, end in enumerate(ends, 1):
        due = number % _EVERY == 0 or number == len(ends)
        if due and end > case.start:
            if await _violates(target, case.language, case.text[:end]):
                return exposed_of(case, case.text[: ends[number - 2] if number > 1 else 0])
    return exposed_of(case, case.text)


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
        f"Of the {len(missed)} cases in which the judge does not know the planted sentence, the guard "
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
