"""The whole turn of the flywheel, for one seed: what was asked, trained, measured and served."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from benchmarks.flywheel import tiny, world
from benchmarks.flywheel.asking import Asking
from benchmarks.flywheel.commands import plumbline
from benchmarks.flywheel.plan import Plan
from benchmarks.flywheel.rater import rates
from benchmarks.flywheel.rounds import ask, collect, export, held_out, held_out_file, now
from benchmarks.flywheel.service import Answered, Service, serving
from benchmarks.flywheel.trained import Runs, evaluate, train
from contract.evaluation import Evaluation
from contract.progress import Progress

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Promotion:
    """What the promotion of a round came to.

    Attributes:
        version: what answers now.
        seconds: from the command to the first answer of the new policy; None where it was turned down.
        failed: requests that failed meanwhile.
        refused: why the gates turned it down, or "".
    """

    version: str
    seconds: float | None
    failed: int
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Round:
    """One turn.

    Attributes:
        before, after: the served answers to held-out questions: shares of the rater's traits.
        right: whether the served answer to each held-out question states the fact, before and after.
        cards: metrics of the runs, by their names.
        evaluation, beside: of the GRPO policy, and of DPO's, against the policy in service.
    """

    number: int
    before: dict[str, float]
    after: dict[str, float]
    right: tuple[list[bool], list[bool]]
    cards: dict[str, dict[str, float]]
    evaluation: Evaluation
    beside: Evaluation
    promotion: Promotion
    seconds: float

    @classmethod
    def of(cls, body: dict[str, Any]) -> Self:
        """A round as an outcome's JSON has it."""
        values = {
            "evaluation": Evaluation.model_validate(body["evaluation"]),
            "beside": Evaluation.model_validate(body["beside"]),
            "promotion": Promotion(**body["promotion"]),
            "right": tuple(body["right"]),
        }
        return cls(**(body | values))


@dataclass(frozen=True, slots=True)
class Outcome:
    """All turns of one seed."""

    seed: int
    rounds: list[Round] = field(default_factory=list)
    stages: dict[str, float] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """All of it, pretraining and starts included."""
        return sum(self.stages.values())

    def to_json(self) -> str:
        """All of it, for the report."""
        rounds = [
            asdict(one)
            | {"evaluation": one.evaluation.model_dump(), "beside": one.beside.model_dump()}
            for one in self.rounds
        ]
        body = {"seed": self.seed, "rounds": rounds, "stages": self.stages}
        return json.dumps(body, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def of_json(cls, content: bytes) -> Self:
        """The same again."""
        body = json.loads(content)
        return cls(body["seed"], [Round.of(one) for one in body["rounds"]], body["stages"])


class _Clock:
    """Says which stage begins, and notes how long each took."""

    def __init__(self, stages: dict[str, float], say: Say) -> None:
        self._stages = stages
        self.say = say

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        self.say(stage)
        started = time.monotonic()
        yield
        self._stages[stage] = round(time.monotonic() - started, 1)


def turn(folder: Path, seed: int, plan: Plan, progress: Progress, say: Say) -> Outcome:
    """Pretrain, serve, and turn the wheel as often as the plan says.

    Raises:
        RuntimeError: a command or the server failed; with what it said.
    """
    outcome = Outcome(seed)
    clock = _Clock(outcome.stages, say)
    base, documents = folder / "base", folder / "documents"
    with clock("pretrain a policy of a million weights"):
        world.write_documents(documents)
        tiny.pretrain(base, seed, progress, by_heart=plan.by_heart, in_prompt=plan.in_prompt)
    served_by = base
    before: Runs | None = None
    with ExitStack() as stack:
        with clock("start vLLM and Plumbline"):
            service = stack.enter_context(serving(folder, base, documents))
        for number in range(1, plan.rounds + 1):
            done, before = _round(
                service,
                folder / f"round-{number}",
                plan,
                clock,
                progress,
                number=number,
                seed=seed,
                base=base,
                served_by=served_by,
                before=before,
            )
            outcome.rounds.append(done)
            if done.promotion.refused:
                break
            served_by = before.grpo
    return outcome


def _round(
    service: Service,
    folder: Path,
    plan: Plan,
    clock: _Clock,
    progress: Progress,
    *,
    number: int,
    seed: int,
    base: Path,
    served_by: Path,
    before: Runs | None,
) -> tuple[Round, Runs]:
    folder.mkdir(parents=True)
    started = time.monotonic()
    since = now()
    with clock(f"round {number}: ask and rate"):
        between = collect(service, plan, number, seed, progress)
    until = now()
    asked = held_out(plan)
    with clock(f"round {number}: ask what is held out"):
        served = ask(service, list(asked), progress, candidates=1)
    with clock(f"round {number}: export"):
        earlier = folder.parent / f"round-{number - 1}" / "exports" if number > 1 else None
        exports = export(service, folder / "exports", since, between, until, earlier)
        prompts = held_out_file(service, folder, until, now(), plan)
    with clock(f"round {number}: train"):
        runs = train(
            service,
            exports,
            folder,
            plan,
            base=base,
            before=before,
            number=number,
            seed=seed,
            say=clock.say,
        )
    with clock(f"round {number}: evaluate"):
        found, other = evaluate(service, served_by, runs, prompts, folder, seed=seed)
    with clock(f"round {number}: promote"):
        promotion = _promote(service, runs.grpo, folder / "eval", list(asked), force=plan.force)
    with clock(f"round {number}: ask again"):
        again = ask(service, list(asked), progress, candidates=1)
    names = ("sft", "rm", "judge", "grpo", "dpo")
    done = Round(
        number=number,
        before=rates([one.text for one in served]),
        after=rates([one.text for one in again]),
        right=(_right(served, asked), _right(again, asked)),
        cards={name: runs.metrics(name) for name in names},
        evaluation=found,
        beside=other,
        promotion=promotion,
        seconds=time.monotonic() - started,
    )
    return done, runs


def _promote(
    service: Service, run: Path, evaluation: Path, questions: Sequence[str], *, force: bool
) -> Promotion:
    """Promote a run for everybody, while questions keep coming."""
    reason = ("--force", "--reason", "a trial of the wheel") if force else ()
    with Asking(service, questions) as asking:
        started = time.monotonic()
        try:
            plumbline(
                *("policy", "promote", str(run), "--share", "100", "--evaluation", str(evaluation)),
                *("--config", str(service.config), "--url", service.url, *reason),
            )
        except RuntimeError as error:
            if "gates fail" not in str(error):
                raise
            return Promotion(asking.version, None, asking.failed, str(error))
        version, when = asking.first_change()
    return Promotion(version, when - started, asking.failed)


def _right(answered: Sequence[Answered], asked: dict[str, world.Fact]) -> list[bool]:
    """In the order of the questions."""
    said = {one.question: one.text.casefold() for one in answered}
    return [fact.sentence.casefold() in said[question] for question, fact in asked.items()]
