"""A digest that tells one policy's weights from another's."""

from __future__ import annotations

import hashlib
from pathlib import Path

from contract.errors import ConfigurationError

_BLOCK = 1 << 20


def weights_digest(folder: Path) -> str:
    """SHA-256, as hexadecimal digits, over the *.safetensors of a checkpoint's or adapter's folder, one
    after the other in the order of their names; of a single file it is what sha256sum says.

    Raises:
        ConfigurationError: there are none, or one can't be read.
    """
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise ConfigurationError(f"There are no weights in {folder}: it has no *.safetensors.")
    digest = hashlib.sha256()
    for file in files:
        _add(digest, file)
    return digest.hexdigest()


def file_digest(file: Path) -> str:
    """SHA-256 of one file, as hexadecimal digits.

    Raises:
        ConfigurationError: it can't be read.
    """
    digest = hashlib.sha256()
    _add(digest, file)
    return digest.hexdigest()


def _add(digest: hashlib._Hash, file: Path) -> None:
    try:
        with file.open("rb") as content:
            while block := content.read(_BLOCK):
                digest.update(block)
    except OSError as error:
        raise ConfigurationError(f"{file} can't be read ({error.strerror}).") from error
