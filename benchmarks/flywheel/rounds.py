"""One turn of the wheel: ask → rate → export → train → evaluate → promote → ask again.

Every part is a command of Plumbline or a request to its API; nothing here reaches inside.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.flywheel import world
from benchmarks.flywheel.commands import plumbline
from benchmarks.flywheel.plan import Plan
from benchmarks.flywheel.rater import Rater
from benchmarks.flywheel.service import Answered, Service
from contract.progress import Progress

_PERSONS = 24
# Wordings are alike on purpose, and so nothing is a near-duplicate here.
_EXPORT = ("--no-near-duplicates", "--per-person", "0")


@dataclass(frozen=True, slots=True)
class Exports:
    """The folders that a round's preferences were exported to.

    Attributes:
        rm: pairs for the reward model that trains the policy.
        judge: pairs of other questions, for the reward model that judges the result.
    """

    sft: Path
    rm: Path
    judge: Path
    dpo: Path
    grpo: Path


def questions(wordings: int) -> list[str]:
    """Training questions, wording by wording."""
    return [
        fact.questions(held_out=False)[number]
        for number in range(wordings)
        for fact in world.facts()
    ]


def held_out(plan: Plan) -> dict[str, world.Fact]:
    """The held-out questions with their facts."""
    found = {q: fact for fact in world.facts() for q in fact.questions(held_out=True)}
    step = max(1, len(found) // plan.held_out)
    return dict(list(found.items())[::step][: plan.held_out])


def ask(
    service: Service, asked: Sequence[str], progress: Progress, *, candidates: int
) -> list[Answered]:
    """Ask as several persons in turn, so that exports can be split by person."""
    persons = [(f"visitor-{number % _PERSONS}", question) for number, question in enumerate(asked)]
    return service.ask(persons, progress, candidates=candidates)


def collect(service: Service, plan: Plan, number: int, seed: int, progress: Progress) -> str:
    """Ask the training questions of a round and have them rated.

    Returns:
        The moment between the two raters: what came before it trains, what comes after it judges.
    """
    dice = random.Random(f"{seed}-{number}")
    asked = questions(plan.wordings if number == 1 else plan.again)
    dice.shuffle(asked)
    asked = asked[: plan.asked]
    # A judge that learned from few pairs tells good from bad, but not by how much.
    part = len(asked) // 2
    first = ask(service, asked[:part], progress, candidates=plan.candidates)
    service.rate(first, Rater("ann", dice))
    moment = now()
    second = ask(service, asked[part:], progress, candidates=plan.candidates)
    service.rate(second, Rater("ben", dice))
    return moment


def export(
    service: Service, folder: Path, since: str, between: str, until: str, earlier: Path | None
) -> Exports:
    """Export what a round said. Each of the two reward models sees what its own rater said in all rounds so far, and
    nothing of the other's.

    Args:
        since, until: the round's own time.
        between: the moment between its two raters.
        earlier: the same folder of the round before.
    """

    def to(name: str, kind: str, *more: str) -> Path:
        return _export(service, kind, folder / name, *_EXPORT, *more)

    own = ("--since", since, "--until", between)
    return Exports(
        sft=to("sft", "sft", *own),
        rm=so_far(to("rm", "rm", *own), earlier),
        judge=so_far(to("judge", "rm", "--since", between, "--until", until), earlier),
        dpo=to("dpo", "dpo", *own),
        grpo=to("grpo", "grpo", *own, "--source", "both", "--validation", "0"),
    )


def so_far(pairs: Path, earlier: Path | None) -> Path:
    """An export's rows and those of the rounds before it."""
    joined = pairs.with_name(f"{pairs.name}-so-far")
    joined.mkdir()
    sources = [pairs] if earlier is None else [earlier / joined.name, pairs]
    for part in ("train.jsonl", "validation.jsonl"):
        rows = b"".join((one / part).read_bytes() for one in sources if (one / part).exists())
        if rows:
            (joined / part).write_bytes(rows)
    return joined


def held_out_file(service: Service, folder: Path, since: str, until: str, plan: Plan) -> Path:
    """The prompts of the held-out questions as they were sent, each with its reference answer."""
    window = ("--since", since, "--until", until)
    everything = ("--no-hygiene", "--source", "both", "--validation", "0")
    out = _export(service, "grpo", folder / "held-out", *everything, *window)
    facts, rows = held_out(plan), []
    for line in (out / "train.jsonl").read_text("utf-8").splitlines():
        row: dict[str, Any] = json.loads(line)
        row["reference"] = f"{facts[row['question']].sentence}."
        rows.append(row)
    path = folder / "held-out.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def _export(service: Service, kind: str, out: Path, *options: str) -> Path:
    plumbline("export", kind, "--out", str(out), "--config", str(service.config), *options)
    return out


def now() -> str:
    """This moment as exports take it."""
    return datetime.now(UTC).isoformat()
