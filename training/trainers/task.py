"""One run from its options to its card: find the parent, train or resume, write the result."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from accelerate import PartialState

from contract.files import write_atomically
from contract.progress import Progress
from contract.weights import weights_digest
from training.runs.card import RunCard, libraries, read_card
from training.runs.curves import curves_of, final_metrics, write_curves
from training.runs.folder import RunFolder, open_run
from training.runs.policies import Policy, find_policy
from training.runs.readme import readme_of
from training.trainers.models import on_gpu
from training.trainers.options import Options


@dataclass(frozen=True)
class Task:
    """A run in its folder; `note` keeps a sentence for the card and says it."""

    options: Options
    policy: Policy
    folder: RunFolder
    progress: Progress
    say: Callable[[str], None]
    notes: list[str] = field(default_factory=list)

    def note(self, sentence: str) -> None:
        """Keep a sentence for the card, and say it."""
        if sentence not in self.notes:
            self.notes.append(sentence)
            self.say(sentence)


@dataclass(frozen=True)
class Outcome:
    """What a trainer hands back.

    Attributes:
        result: the folder with the finished weights, to be named after `weights`.
        history: what was logged, an entry for each step.
        chosen: options that were left to the data, as they were chosen.
        resumed: the step at which an interrupted run was taken up; 0 where it was not.
    """

    weights: Literal["adapter", "model"]
    result: Path
    history: Sequence[Mapping[str, Any]]
    steps: int
    data: dict[str, str]
    rows: dict[str, int]
    chosen: dict[str, Any]
    metrics: dict[str, float] = field(default_factory=dict)
    rubric_version: str = ""
    judge_version: str = ""
    resumed: int = 0


Train = Callable[[Task], Outcome]


def carry_out(
    options: Options,
    train: Train,
    say: Callable[[str], None],
    progress: Progress,
    *,
    fresh: bool = False,
    keep_checkpoints: bool = False,
) -> RunCard:
    """Begin, resume or find finished the run in `options.out`; its card.

    Raises:
        ConfigurationError: an option, a file or the folder is wrong.
    """
    started = time.monotonic()
    policy = find_policy(options.policy)
    state = PartialState(cpu=not on_gpu(options))
    asked = options.asked() | {"parent": policy.parent.digest}
    with _opened(options.out, asked, fresh, state) as folder:
        if folder.finished is not None:
            say(f"{options.out} holds this run already, finished; there is nothing to do.")
            return folder.finished
        speak = say if state.is_main_process else _silent
        task = Task(options, policy, folder, progress, speak)
        outcome = train(task)
        if state.is_main_process:
            card = _card(task, outcome, time.monotonic() - started)
            _write(folder, card, outcome, keep_checkpoints)
        state.wait_for_everyone()
        return read_card(folder.path)


@contextmanager
def _opened(
    path: Path, asked: Mapping[str, Any], fresh: bool, state: PartialState
) -> Iterator[RunFolder]:
    """One process opens the folder; with several, the others look at what it found."""
    if state.is_main_process:
        with open_run(path, asked, fresh=fresh) as folder:
            state.wait_for_everyone()
            yield folder
        return
    state.wait_for_everyone()
    finished = read_card(path) if (path / "run.json").exists() else None
    yield RunFolder(path, resumes=finished is None, finished=finished)


def _silent(_: str) -> None:
    """Only one of several processes speaks."""


def _card(task: Task, outcome: Outcome, seconds: float) -> RunCard:
    options = task.options
    curves = curves_of(outcome.history)
    return RunCard(
        name=options.out.resolve().name,
        kind=options.kind,
        round=options.round,
        parent=task.policy.parent,
        weights=outcome.weights,
        digest=weights_digest(outcome.result),
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=options.seed,
        options=options.asked() | outcome.chosen,
        data=outcome.data,
        rows=outcome.rows,
        rubric_version=outcome.rubric_version,
        judge_version=outcome.judge_version,
        libraries=libraries(),
        steps=outcome.steps,
        resumed=outcome.resumed,
        seconds=round(seconds, 1),
        metrics=final_metrics(curves) | outcome.metrics,
        notes=tuple(task.notes),
    )


def _write(folder: RunFolder, card: RunCard, outcome: Outcome, keep_checkpoints: bool) -> None:
    write_curves(curves_of(outcome.history), folder.path)
    folder.put(outcome.weights, outcome.result)
    write_atomically(folder.path / "README.md", readme_of(card).encode())
    folder.finish(card, keep_checkpoints=keep_checkpoints)
