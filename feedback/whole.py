"""A folder that appears whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from contract.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Made:
    """What makes such folders, for messages.

    Attributes:
        mark: the file by which a folder that may be replaced is known.
        others: the other files that it makes.
        mode: the permissions of the folder.
    """

    by: str
    mark: str
    others: frozenset[str]
    mode: int = 0o755

    def is_in(self, folder: Path) -> bool:
        """Is one of them in this folder?"""
        return (folder / self.mark).is_file()


EXPORT = Made("an export", "card.json", frozenset({"README.md", "train.jsonl", "validation.jsonl"}))


@contextmanager
def replace_folder(folder: Path, made: Made = EXPORT) -> Iterator[Path]:
    """Yield a draft folder beside `folder`; when the block ends well, it takes its place.

    Raises:
        ConfigurationError: the folder holds something else, which would be lost.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise ConfigurationError(f"{folder} is not a folder. Choose another --out.")
    held = {path.name for path in folder.iterdir()} if folder.exists() else set()
    if held and not made.is_in(folder):
        raise ConfigurationError(
            f"{folder} is not empty and was not made by {made.by}. Choose another --out."
        )
    strange = sorted(held - made.others - {made.mark})
    if strange:
        raise ConfigurationError(
            f"{folder} holds {made.by} and also {strange[0]}, which would be lost with it. Move that away, "
            "or choose another --out."
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise ConfigurationError(f"{folder} can't be written: {error.strerror}.") from error
    try:
        yield draft
        if folder.exists():
            shutil.rmtree(folder)
        draft.chmod(made.mode)
        draft.replace(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
