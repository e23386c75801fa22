"""What the owner of the files says of them: who may see them, and attributes to filter by.

It stands in YAML files beside them. `report.pdf.plumbline.yaml` speaks of one file:

    labels: [board]
    attributes: {department: finance, year: 2026}
    title: Report of the year 2026

`.plumbline.yaml` speaks of its folder and what is below, and of files by pattern:

    labels: [staff]
    files:
      "salaries*.xlsx": {labels: [hr]}

The nearest file that says something about labels decides about labels, and an empty list makes a
file public again: more specific beats more general, and nothing is added together, for each label
more would open a document wider.
"""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from contract.access import Labels
from contract.errors import DocumentUnreadable
from contract.files import problem_of
from contract.filters import Attribute

E = TypeVar("E", bound="_Entry")

FOLDER_FILE = ".plumbline.yaml"
FILE_SUFFIX = ".plumbline.yaml"


class _Entry(BaseModel):
    """What is said of one file. None says nothing; a title goes before the one in the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    labels: Labels | None = None
    attributes: dict[str, Attribute] = {}
    title: str | None = None


class _Folder(_Entry):
    """What is said of a folder."""

    files: dict[str, _Entry] = {}


@dataclass(frozen=True, slots=True)
class Said:
    """What holds for one file. `labels` is None where no file says anything about them."""

    labels: tuple[str, ...] | None = None
    attributes: dict[str, Attribute] = field(default_factory=dict)
    title: str | None = None


class Sidecars:
    """Reads the files beside documents, each once."""

    def __init__(self) -> None:
        self._folder = cache(_read_folder)

    def of(self, location: Path) -> Said:
        """What is said of a file.

        Raises:
            DocumentUnreadable: one of the files that may speak of it can't be read. Who may see the
                document is not known then, and nobody does.
        """
        own = _read(location.with_name(location.name + FILE_SUFFIX), _Entry)
        entries = [own] if own else []
        for folder in location.parents:
            said = self._folder(folder)
            if said is not None:
                if folder == location.parent:
                    entries += _matching(said, location.name)
                entries.append(said)
        labels = next((entry.labels for entry in entries if entry.labels is not None), None)
        title = next((entry.title for entry in entries if entry.title), None)
        attributes: dict[str, Attribute] = {}
        for entry in reversed(entries):
            attributes |= entry.attributes
        return Said(labels, attributes, title)


def _matching(folder: _Folder, name: str) -> list[_Entry]:
    return [entry for pattern, entry in folder.files.items() if fnmatch.fnmatch(name, pattern)]


def _read_folder(folder: Path) -> _Folder | None:
    return _read(folder / FOLDER_FILE, _Folder)


def _read(path: Path, kind: type[E]) -> E | None:
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise DocumentUnreadable(f"{path} can't be read, so nobody may see it: {error}.") from error
    try:
        return kind.model_validate(content or {})
    except ValidationError as error:
        raise DocumentUnreadable(
            f"{path} is wrong, so nobody may see it: {problem_of(error)}."
        ) from error


def is_sidecar(name: str) -> bool:
    """Does a file of this name speak of others?"""
    return name.endswith(FILE_SUFFIX)
