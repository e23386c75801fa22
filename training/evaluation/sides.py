"""Who is compared: what `plumbline eval` takes for a policy, and what is known of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import orjson

from contract.errors import ConfigurationError
from contract.evaluation import Side
from contract.weights import weights_digest
from rbrm.rubric import Rubric, load_rubric

Kind = Literal["weights", "url", "answers"]

CARD = "run.json"


@dataclass(frozen=True)
class Contender:
    """A policy as it was named.

    Attributes:
        checkpoint: folder with whole weights (or a hub's name), and `adapter` the folder of a LoRA adapter on
            top of them.
        url, model: a server, ending in /v1, and the model there; None takes the first that it lists.
        answers: a file of answers that were made before.
        card: the run card, where the policy is a run of `plumbline train`.
    """

    kind: Kind
    name: str
    version: str
    digest: str = ""
    checkpoint: str = ""
    adapter: Path | None = None
    url: str = ""
    model: str | None = None
    answers: Path | None = None
    card: Mapping[str, Any] = field(default_factory=dict)

    @property
    def side(self) -> Side:
        """As it stands in an evaluation."""
        return Side(name=self.name, version=self.version, digest=self.digest)


def contender_of(given: str, base: Path | None = None, version: str | None = None) -> Contender:
    """What somebody means by a policy: a URL, a file of answers, or a folder.

    Args:
        given: `http://host/v1#model`, `answers.jsonl`, or the folder of a run, an adapter or a checkpoint.
        base: the checkpoint under adapters; None: the one that the adapter names.
        version: what log rows of the policy say; None: its name.

    Raises:
        ConfigurationError: there is no such thing, or it holds no weights.
    """
    found = _found(given, base)
    return replace(found, version=version or found.name)


def _found(given: str, base: Path | None) -> Contender:
    if given.startswith(("http://", "https://")):
        url, _, model = given.partition("#")
        name = model or url.split("://", 1)[1].split("/")[0]
        return Contender("url", name, name, url=url.rstrip("/"), model=model or None)
    path = Path(given).expanduser()
    if path.is_file():
        return Contender("answers", path.stem, path.stem, answers=path)
    if not path.is_dir():
        raise ConfigurationError(
            f"There is no policy {given}. Give the folder of a run, an adapter or a checkpoint, a .jsonl of "
            "answers, or a URL such as http://127.0.0.1:8000/v1#model."
        )
    return _of_folder(path.resolve(), base)


def read_card(folder: Path) -> Mapping[str, Any]:
    """The run card of a folder; empty where it is no run.

    Raises:
        ConfigurationError: it can't be read.
    """
    path = folder / CARD
    if not path.is_file():
        return {}
    try:
        card = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise ConfigurationError(f"The run card {path} can't be read: {error}") from error
    if not isinstance(card, dict):
        raise ConfigurationError(f"The run card {path} must be a JSON object.")
    return card


def weights_of(folder: Path) -> Path:
    """Where the weights of a run, adapter or checkpoint lie.

    Raises:
        ConfigurationError: there are none, or the run is not finished.
    """
    for place in (folder, folder / "adapter", folder / "model"):
        if (place / "adapter_config.json").is_file() or (place / "config.json").is_file():
            if place != folder and not (folder / CARD).is_file():
                raise ConfigurationError(
                    f"The run {folder} has no {CARD}, so it is not finished. Run the same `plumbline train` "
                    "again; it goes on where it stopped."
                )
            return place
    raise ConfigurationError(
        f"There is no policy in {folder}: neither an adapter_config.json, nor a config.json, nor a run's "
        "adapter/ or model/."
    )


def trained_on(card: Mapping[str, Any], in_use: Rubric) -> Rubric:
    """The rubric of the reward that a run was trained on, as far as its file can still be found; else the
    one in use."""
    wanted = str(card.get("rubric_version") or in_use.fingerprint)
    options = card.get("options")
    named = options.get("rubric") if isinstance(options, Mapping) else None
    for path in (None, Path(str(named)) if named else None):
        if wanted == in_use.fingerprint:
            break
        try:
            found = load_rubric(path)
        except ConfigurationError:
            continue
        if found.fingerprint == wanted:
            return found
    return in_use


def strings_of(value: Any, under: str = "") -> Iterator[tuple[str, str]]:
    """Every string in a run card, with the names that lead to it."""
    if isinstance(value, str):
        yield under, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from strings_of(inner, f"{under}.{name}" if under else str(name))
    elif isinstance(value, list):
        for inner in value:
            yield from strings_of(inner, under)


def _of_folder(folder: Path, base: Path | None) -> Contender:
    card = read_card(folder)
    weights = weights_of(folder)
    if not card and weights.name in ("adapter", "model"):
        card = read_card(weights.parent)
    own = weights.parent if weights.name in ("adapter", "model") and card else weights
    name = str(card.get("name") or own.name)
    digest = weights_digest(weights)
    if not (weights / "adapter_config.json").is_file():
        return Contender("weights", name, name, digest, checkpoint=str(weights), card=card)
    under = str(base.expanduser().resolve()) if base else _base_of(weights)
    return Contender("weights", name, name, digest, checkpoint=under, adapter=weights, card=card)


def _base_of(adapter: Path) -> str:
    """The checkpoint that an adapter belongs on: a folder, else a hub's name."""
    path = adapter / "adapter_config.json"
    try:
        named = str(orjson.loads(path.read_bytes()).get("base_model_name_or_path") or "")
    except (OSError, orjson.JSONDecodeError, AttributeError) as error:
        raise ConfigurationError(f"{path} can't be read: {error}") from error
    if not named:
        raise ConfigurationError(
            f"The adapter {adapter} does not say which checkpoint it belongs on. Name it: --base FOLDER."
        )
    beside = next((p for p in (Path(named), adapter / named) if p.is_dir()), None)
    if beside is None and Path(named).is_absolute():
        raise ConfigurationError(
            f"The adapter {adapter} belongs on the checkpoint {named}, which is not there. Name it: "
            "--base FOLDER."
        )
    return named if beside is None else str(beside.resolve())
