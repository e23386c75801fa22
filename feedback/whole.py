"""A folder that appears whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contract.errors import ConfigurationError

_MARK = "card.json"
_OWN = frozenset({_MARK, "README.md", "train.jsonl", "validation.jsonl"})


def holds_export(folder: Path) -> bool:
    """Is an export in this folder?"""
    return (folder / _MARK).is_file()


@contextmanager
def replace_folder(folder: Path) -> Iterator[Path]:
    """Yield a draft folder beside `folder`; when the block ends well, it takes its place.

    Raises:
        ConfigurationError: the folder holds something that no export made, and that would be lost.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise ConfigurationError(f"{folder} is not a folder. Choose another --out.")
    strange = (
        sorted(p.name for p in folder.iterdir() if p.name not in _OWN) if folder.exists() else []
    )
    if folder.exists() and any(folder.iterdir()) and not holds_export(folder):
        raise ConfigurationError(
            f"{folder} is not empty and was not made by an export. Choose another --out."
        )
    if strange:
        raise ConfigurationError(
            f"{folder} holds an export and also {strange[0]}, which would be lost with it. Move that away, "
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
        draft.chmod(0o755)
        draft.replace(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
