"""A folder that appears whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contract.errors import ConfigurationError

MARK = "card.json"


@contextmanager
def replace_folder(
    folder: Path, *, mark: str = MARK, made_by: str = "an export", mode: int = 0o755
) -> Iterator[Path]:
    """Yield a draft folder beside `folder`; when the block ends well, it takes its place.

    Args:
        mark: the file by which a folder that may be replaced is known.
        made_by: what makes such folders, for the message.
        mode: the permissions of the folder.

    Raises:
        ConfigurationError: the folder holds something else.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise ConfigurationError(f"{folder} is not a folder. Choose another --out.")
    if folder.exists() and any(folder.iterdir()) and not (folder / mark).is_file():
        raise ConfigurationError(
            f"{folder} is not empty and was not made by {made_by}. Choose another --out."
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
        draft.chmod(mode)
        draft.replace(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
