"""The folder of a run: begun once, resumed after a kill, whole when `run.json` is there.

begun.json     what the run is asked to do; written first
checkpoints/   to resume from; gone when the run is finished
adapter/ or model/, curves.png, README.md
run.json       the card; written last
"""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from contract.errors import ConfigurationError
from contract.files import write_atomically
from training.runs.card import CARD, RunCard, read_card

BEGUN = "begun.json"
_LOCK = ".lock"


class RunFolder:
    """A run's folder in use by this process.

    Attributes:
        finished: the card of an earlier call with the same options, which left nothing to do.
        resumes: whether an earlier call began this run and did not finish it.
    """

    def __init__(self, path: Path, *, resumes: bool, finished: RunCard | None) -> None:
        self.path = path
        self.resumes = resumes
        self.finished = finished

    @property
    def checkpoints(self) -> Path:
        """Where checkpoints are written."""
        return self.path / "checkpoints"

    def put(self, name: str, draft: Path) -> Path:
        """Give a finished subfolder its name; what an earlier try left there goes."""
        target = self.path / name
        shutil.rmtree(target, ignore_errors=True)
        return draft.rename(target)

    def draft(self, name: str) -> Path:
        """An empty folder to write a result to."""
        draft = self.path / f".{name}"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        return draft

    def finish(self, card: RunCard, *, keep_checkpoints: bool = False) -> None:
        """Write the card; from here on the run is whole."""
        content = card.model_dump_json(indent=1) + "\n"
        write_atomically(self.path / CARD, content.encode())
        if not keep_checkpoints:
            shutil.rmtree(self.checkpoints, ignore_errors=True)


@contextmanager
def open_run(path: Path, asked: Mapping[str, Any], *, fresh: bool = False) -> Iterator[RunFolder]:
    """Begin, resume or find finished the run in a folder; nobody else may work in it meanwhile.

    Args:
        asked: everything that decides what the run does; a folder is only resumed where it is the same.
        fresh: throw an earlier run in this folder away.

    Raises:
        ConfigurationError: the folder holds another run or other files, or is being trained in.
    """
    _check_place(path)
    path.mkdir(parents=True, exist_ok=True)
    with (path / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigurationError(f"Another process is training in {path}.") from error
        if fresh:
            _empty(path)
        yield _opened(path, json.loads(json.dumps(asked)))


def _opened(path: Path, asked: dict[str, Any]) -> RunFolder:
    begun = path / BEGUN
    if begun.exists():
        _check_same(path, json.loads(begun.read_bytes()), asked)
        finished = read_card(path) if (path / CARD).exists() else None
        return RunFolder(path, resumes=finished is None, finished=finished)
    write_atomically(begun, (json.dumps(asked, indent=1, ensure_ascii=False) + "\n").encode())
    return RunFolder(path, resumes=False, finished=None)


def _check_place(path: Path) -> None:
    if path.exists() and not path.is_dir():
        raise ConfigurationError(f"{path} is a file; a run needs a folder.")
    if path.is_dir() and not (path / BEGUN).exists():
        if any(child.name != _LOCK for child in path.iterdir()):
            raise ConfigurationError(
                f"{path} holds files and no training run. Give --out a new folder."
            )


def _check_same(path: Path, before: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    names = [n for n in {**before, **asked} if before.get(n) != asked.get(n)]
    if names:
        told = ", ".join(f"{n} was {before.get(n)!r} and is {asked.get(n)!r}" for n in names)
        raise ConfigurationError(
            f"{path} holds a run with other options: {told}. Give --out a new folder, or --fresh to throw "
            "that run away."
        )


def _empty(path: Path) -> None:
    for child in path.iterdir():
        if child.name == _LOCK:
            continue
        if child.is_dir():
            shutil.rmtree(child)
        else:
            child.unlink()
