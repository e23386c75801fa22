"""Adapters that may be promoted: copied once, a folder for each version, and never changed.

    DATA_DIR/policies/NAME-DIGEST/
        adapter_config.json, adapter_model.safetensors     what engines load; nothing else is copied
        policy.json                                        what this version is, with the hash of both files
        run.json                                           the card of the run, where there was one
        evaluation.json                                    what its gates read last

A version is only ever chosen from the folders that are there: no name that somebody sends is made a path.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
from pathlib import Path
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from contract.errors import ConfigurationError, NotFound
from contract.evaluation import Evaluation, read_evaluation
from contract.files import problem_of, sync, write_atomically
from contract.promotion import BASE
from contract.settings import PromotionSettings
from contract.weights import file_digest, weights_digest
from server.promotion.adapter_check import CONFIG, WEIGHTS, Served, Shape, check_fits, read_shape
from server.promotion.registry import now

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._]*(?:-[A-Za-z0-9._]+)*")
_VERSION = re.compile(rf"{_NAME.pattern}-[0-9a-f]{{12}}")
_LONGEST_NAME = 64
_DIGITS = 12
_CARD, _EVALUATION, _POLICY = "run.json", "evaluation.json", "policy.json"
_MOST_CARD_BYTES = 10_000_000

_log = logging.getLogger(__name__)


class Stored(BaseModel):
    """One version, as its policy.json has it; `digest` is over the weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    version: str
    name: str
    digest: str
    files: dict[str, str]
    rank: int
    base: str
    stored: str


class Store:
    """The folder of all versions.

    Args:
        folder: DATA_DIR/policies; it need not exist yet.
    """

    def __init__(self, folder: Path, settings: PromotionSettings) -> None:
        self._folder = folder
        self._settings = settings

    def add(self, source: Path, name: str | None, served: Served | None) -> tuple[Stored, bool]:
        """Copy the adapter of a run, adapter or checkpoint folder; a copy that is there is kept.

        Args:
            name: unset: that of the run, else of the folder.
            served: what it has to fit, where that is known.

        Returns:
            The version, and whether it is new.

        Raises:
            ConfigurationError: there is no adapter that could be served, or it can't be copied.
        """
        adapter = _adapter_in(source)
        shape = read_shape(adapter, self._settings.max_adapter_bytes)
        if served is not None:
            check_fits(shape, served)
        card = _card_in(source)
        named = _checked_name(name) if name else _name_of(source, card)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            return self._copied(adapter, named, shape, card)
        except OSError as error:
            raise ConfigurationError(
                f"{adapter} can't be copied to {self._folder}: {error.strerror}."
            ) from error

    def all(self) -> list[Stored]:
        """Every version, by name; a folder that is none is passed over."""
        if not self._folder.is_dir():
            return []
        with os.scandir(self._folder) as entries:
            names = [e.name for e in entries if e.is_dir(follow_symlinks=False)]
        found = (_read_or_warn(self._folder / n) for n in sorted(names) if _VERSION.fullmatch(n))
        return [stored for stored in found if stored is not None]

    def find(self, name: str) -> Stored:
        """The version of that name, given whole or without its digest.

        Raises:
            NotFound: there is none, or more than one.
        """
        known = self.all()
        for stored in known:
            if stored.version == name:
                return stored
        alike = [stored for stored in known if stored.name == name]
        if len(alike) == 1:
            return alike[0]
        listed = ", ".join(stored.version for stored in alike or known) or "none"
        raise NotFound(
            f"There is no version {name!r} to promote. There are: {listed}."
            if not alike
            else f"{name!r} may be one of {listed}; name one whole.",
            param="name",
        )

    def adapter(self, version: str) -> Path:
        """The folder that engines load a version from, seen to be as it was stored.

        Raises:
            NotFound: there is no such version.
            ConfigurationError: a file was changed since, or is gone.
        """
        stored = self.find(version)
        folder = self._folder / stored.version
        for file, digest in stored.files.items():
            if (folder / file).is_symlink() or file_digest(folder / file) != digest:
                raise ConfigurationError(
                    f"{folder / file} is not what was stored: its hash has changed. Remove the folder and "
                    "promote the run again."
                )
        return folder.resolve()

    def card(self, stored: Stored) -> dict[str, Any] | None:
        """The card of its run, None where there was none."""
        return _read_card(self._folder / stored.version / _CARD)

    def evaluation(self, stored: Stored) -> Evaluation | None:
        """What its gates read last, None where there was nothing yet."""
        path = self._folder / stored.version / _EVALUATION
        return read_evaluation(path) if path.exists() else None

    def keep_evaluation(self, stored: Stored, evaluation: Evaluation) -> None:
        """Keep it for the next step of the same rollout."""
        content = evaluation.model_dump_json(indent=1).encode()
        write_atomically(self._folder / stored.version / _EVALUATION, content)

    def _copied(
        self, adapter: Path, name: str, shape: Shape, card: dict[str, Any] | None
    ) -> tuple[Stored, bool]:
        draft = self._folder / f".{name}.{os.getpid()}"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        try:
            for file in (CONFIG, WEIGHTS):
                shutil.copyfile(adapter / file, draft / file)
            # Looked at again: what was copied may not be what was checked.
            if read_shape(draft, self._settings.max_adapter_bytes) != shape:
                raise ConfigurationError(f"{adapter} changed while it was copied. Try again.")
            digest = weights_digest(draft)
            stored = Stored(
                version=f"{name}-{digest[:_DIGITS]}",
                name=name,
                digest=digest,
                files={file: file_digest(draft / file) for file in (CONFIG, WEIGHTS)},
                rank=shape.rank,
                base=shape.base,
                stored=now(),
            )
            if card is not None:
                (draft / _CARD).write_bytes(orjson.dumps(card, option=orjson.OPT_INDENT_2))
            (draft / _POLICY).write_bytes(stored.model_dump_json(indent=1).encode())
            return self._named(draft, stored)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _named(self, draft: Path, stored: Stored) -> tuple[Stored, bool]:
        """Give a finished copy its name, unless the same is there already."""
        for file in draft.iterdir():
            sync(file)
        final = self._folder / stored.version
        if final.exists():
            before = _read(final)
            if before.files != stored.files:
                raise ConfigurationError(
                    f"{stored.version} is there already, with the same weights and another {CONFIG}. Give "
                    "another --name."
                )
            return before, False
        draft.rename(final)
        sync(self._folder)
        return stored, True


def is_folder(given: str) -> bool:
    """Does somebody who gives this on the command line mean a folder, and no name of a version?"""
    return Path(given).expanduser().is_dir() or "/" in given or given in (".", "..")


def _adapter_in(source: Path) -> Path:
    """The folder of the adapter: the one given, or `adapter` in it."""
    source = source.expanduser()
    if not source.is_dir():
        raise ConfigurationError(f"There is no folder {source}.")
    if (source / CONFIG).is_file():
        return source
    if (source / "adapter" / CONFIG).is_file():
        return source / "adapter"
    if (source / "model").is_dir() or (source / "config.json").is_file():
        raise ConfigurationError(
            f"{source} holds whole weights, and only LoRA adapters are loaded into a running engine. Train "
            "with LoRA, or start the server with engine.model set to it."
        )
    raise ConfigurationError(
        f"There is no adapter in {source}: no {CONFIG} there, nor in its folder `adapter`."
    )


def _card_in(source: Path) -> dict[str, Any] | None:
    """The run card of a run folder, or of the run that an adapter folder belongs to."""
    folder = source.expanduser().resolve()
    return _read_card(folder / _CARD) or _read_card(folder.parent / _CARD)


def _read_card(path: Path) -> dict[str, Any] | None:
    if not path.is_file() or path.stat().st_size > _MOST_CARD_BYTES:
        return None
    try:
        card = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise ConfigurationError(f"{path} can't be read: {error}.") from error
    return card if isinstance(card, dict) else None


def _name_of(source: Path, card: dict[str, Any] | None) -> str:
    folder = source.expanduser().resolve()
    given = (card or {}).get("name") or (
        folder.parent.name if folder.name == "adapter" else folder.name
    )
    plain = re.sub(r"[^A-Za-z0-9._]+", "-", str(given)).strip("-._")
    return _checked_name(plain[:_LONGEST_NAME].rstrip("-") or "policy")


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME or name == BASE:
        raise ConfigurationError(
            f"{name!r} is no name for a version. It has 1 to {_LONGEST_NAME} letters, digits and any of _ . -, "
            f"begins with a letter or digit, and is not {BASE!r}."
        )
    return name


def _read_or_warn(folder: Path) -> Stored | None:
    try:
        return _read(folder)
    except ConfigurationError as error:
        _log.warning("a stored policy is passed over: %s", error.message)
        return None


def _read(folder: Path) -> Stored:
    path = folder / _POLICY
    try:
        stored = Stored.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read ({error.strerror}).") from error
    except ValidationError as error:
        raise ConfigurationError(f"{path} can't be understood: {problem_of(error)}.") from error
    if stored.version != folder.name or set(stored.files) != {CONFIG, WEIGHTS}:
        raise ConfigurationError(f"{path} does not describe {folder}. Remove the folder.")
    return stored
