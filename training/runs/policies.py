"""Where a policy lies: in a run folder, an adapter folder, a checkpoint folder, or on a hub."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from contract.errors import ConfigurationError
from contract.weights import weights_digest
from training.runs.card import CARD, Parent, RunCard, read_card
from training.runs.folder import BEGUN

_ADAPTER = "adapter_config.json"
_MODEL = "config.json"


@dataclass(frozen=True)
class Policy:
    """A policy that can be loaded.

    Attributes:
        base: the checkpoint's folder, or a hub's name.
        adapter: the folder of the adapter that lies on it.
        card: of the run that made it, if one did.
    """

    name: str
    base: str
    adapter: Path | None = None
    card: RunCard | None = None

    @property
    def parent(self) -> Parent:
        """What the card of a run says of where it began."""
        weights = self.adapter or Path(self.base)
        digest = weights_digest(weights) if weights.is_dir() else ""
        return Parent(path=str(weights), name=self.name, digest=digest)


def find_policy(name: str) -> Policy:
    """The policy in a folder, or of a hub's name where there is no such folder.

    Raises:
        ConfigurationError: the folder holds no policy, an unfinished run, or an adapter without its base.
    """
    folder = Path(name)
    if not folder.exists():
        if folder.is_absolute() or name.startswith("."):
            raise ConfigurationError(f"There is no policy {name}.")
        return Policy(folder.name, name)
    folder = folder.resolve()
    if (folder / BEGUN).exists() or (folder / CARD).exists():
        card = read_card(folder)
        if card.kind == "rm":
            raise ConfigurationError(f"{folder} holds a reward model, and no policy.")
        if card.weights == "model":
            return Policy(card.name, str(folder / "model"), card=card)
        return _adapted(card.name, folder / "adapter", card)
    if (folder / _ADAPTER).exists():
        return _adapted(folder.name, folder, None)
    if (folder / _MODEL).exists():
        return Policy(folder.name, str(folder))
    raise ConfigurationError(
        f"{folder} holds no policy: neither a finished run ({CARD}), nor an adapter ({_ADAPTER}), nor a "
        f"checkpoint ({_MODEL})."
    )


def _adapted(name: str, folder: Path, card: RunCard | None) -> Policy:
    try:
        base = str(json.loads((folder / _ADAPTER).read_bytes())["base_model_name_or_path"])
    except (OSError, ValueError, KeyError) as error:
        raise ConfigurationError(
            f"{folder} is no adapter: {_ADAPTER} is missing or bad."
        ) from error
    if not Path(base).exists() and (folder / base).exists():
        base = str((folder / base).resolve())
    if Path(base).is_absolute() and not Path(base).exists():
        raise ConfigurationError(
            f"The adapter {folder} lies on {base}, which is not there. Put the checkpoint back, or change "
            f"base_model_name_or_path in its {_ADAPTER}."
        )
    return Policy(name, base, folder, card)
