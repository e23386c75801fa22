"""What can be seen of a checkpoint before an engine loads it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from contract.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """`source` is what vLLM is given, `name` what it is served as; `dtype` is "" where it isn't known."""

    source: str
    name: str
    local: bool
    dtype: str = ""


def find(given: str, setting: str) -> Checkpoint:
    """A folder with a checkpoint, or a hub's name, which is only checked when vLLM loads it.

    Raises:
        ConfigurationError: it can only be a folder and is none, or one without a checkpoint.
    """
    folder = Path(given).expanduser()
    if not folder.exists():
        if given.startswith(("/", ".", "~")) or given.count("/") > 1:
            raise ConfigurationError(
                f"There is no folder {given}. Set {setting} to the folder of a checkpoint, or to its name "
                "on a hub."
            )
        return Checkpoint(given, given, local=False)
    config = folder / "config.json"
    try:
        shape = json.loads(config.read_text(encoding="utf-8"))
        dtype = str(shape.get("dtype") or shape.get("torch_dtype") or "")
    except (OSError, ValueError, AttributeError) as error:
        raise ConfigurationError(
            f"{setting} {given} is no checkpoint: its config.json can't be read ({error})."
        ) from error
    resolved = folder.resolve()
    return Checkpoint(str(resolved), resolved.name, local=True, dtype=dtype)
