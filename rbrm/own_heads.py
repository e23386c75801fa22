"""Heads of the user's own propositions, made by `plumbline rubric train` from some dozens of labels."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from safetensors import SafetensorError, safe_open

from contract.errors import ConfigurationError
from rbrm.heads import HeadGrade, LanguageHeads, check_made_for, language_heads, worst_of
from rbrm.reading import Reading, ReadQuestion


@dataclass(frozen=True)
class OwnHeads:
    """Heads by the name that a rubric gives them (its file), and by language."""

    heads: Mapping[str, Mapping[str, LanguageHeads]] = field(default_factory=dict)

    @property
    def languages(self) -> dict[str, tuple[str, ...]]:
        """The languages that each head was trained for."""
        return {name: tuple(found) for name, found in self.heads.items()}

    def grades(self, reading: Reading, question: ReadQuestion) -> dict[str, HeadGrade]:
        """The grade of each head, in the languages that it knows; the worst window counts."""
        found: dict[str, HeadGrade] = {}
        for name, languages in self.heads.items():
            # Whatever the file calls its one head: the rubric knows it by the file's name.
            for grade in worst_of(languages, reading, question).values():
                found[name] = grade
        return found


def load_own_heads(names: Sequence[str], folder: Path, fingerprint: str) -> OwnHeads:
    """Read the heads that a rubric names by file (`encoder: my_head.safetensors`).

    Raises:
        ConfigurationError: one is missing, damaged, or was made for another encoder.
    """
    return OwnHeads({name: _load(folder / name, fingerprint) for name in names})


def _load(path: Path, fingerprint: str) -> dict[str, LanguageHeads]:
    try:
        with safe_open(path, framework="numpy") as file:
            card = json.loads(file.metadata()["card"])
            check_made_for(card, fingerprint, str(path))
            return {language: language_heads(file, language, card) for language in card["names"]}
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise ConfigurationError(
            f"The head {path} can't be read: {error}. Make it with `plumbline rubric train`."
        ) from error
