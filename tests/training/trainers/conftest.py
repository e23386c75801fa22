"""A tiny policy, exports for it, and runs in this process."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contract.settings import quiet_trainers
from rbrm.judge import Judge
from tests.engine import chat_checkpoint
from tests.training.made import write_export
from training.runs.card import RunCard


@pytest.fixture(scope="session")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random policy of two layers."""
    return chat_checkpoint(tmp_path_factory.mktemp("policy") / "base")


@pytest.fixture(scope="session")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of every kind: 12 turns to train on, 4 held out."""
    folder = tmp_path_factory.mktemp("exports")
    for kind in ("sft", "rm", "dpo", "kto", "grpo"):
        write_export(folder / kind, kind, 12, 4)
    return folder


@pytest.fixture
def carry_out() -> Iterator[Callable[..., RunCard]]:
    """A function (options, progress, **options) that trains in this process, on one thread so that
    two runs can be compared to the last bit."""
    quiet_trainers()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch

        from training.trainers.quiet import be_quiet
        from training.trainers.task import carry_out as carry

        be_quiet()
        threads = torch.get_num_threads()
        torch.set_num_threads(1)

        def run(
            options: Any, progress: Any = None, *, fresh: bool = False, **changed: Any
        ) -> RunCard:
            trainer = importlib.import_module(f"training.trainers.{options.kind}")
            asked = replace(options, **changed)
            heard.clear()
            return carry(asked, trainer.train, heard.append, progress or ignore, fresh=fresh)

        heard: list[str] = []
        run.heard = heard  # type: ignore[attr-defined]
        yield run
        torch.set_num_threads(threads)


@pytest.fixture
def shared_judge(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reinforcement by the suite's judge: the same one, that need not be built again for each run."""
    from training.trainers import reinforcement

    monkeypatch.setattr(reinforcement, "_judge", lambda _: judge)


def ignore(stage: str, done: int, total: int) -> None:
    """Nobody watches."""
