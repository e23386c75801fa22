"""Given and family names of many countries, in Latin letters without accents.

The lists come from Faker's providers (MIT; https://github.com/joke2k/faker), gathered by `python -m text.names.gather`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

FOLDER = Path(__file__).parent


def is_given_name(word: str) -> bool:
    """Is it a given name somewhere? Of one with a hyphen, the part before it."""
    return plain(word).split("-")[0] in _read("given.txt")


def is_family_name(word: str) -> bool:
    """Is it a family name somewhere? Of one with hyphens, a part of it."""
    names = _read("family.txt")
    return plain(word) in names or any(part in names for part in plain(word).split("-"))


def holds_full_name(words: Sequence[str]) -> bool:
    """Do a given and a family name stand side by side among these small words?"""
    given = _read("given.txt").intersection(words)
    return bool(given) and any(
        one in given and is_family_name(other.strip(".,;:!?)")) for one, other in pairwise(words)
    )


def plain(word: str) -> str:
    """In small letters without accents."""
    if word.isascii():
        return word.lower()
    folded = unicodedata.normalize("NFKD", word.casefold().replace("ł", "l").replace("ø", "o"))
    return "".join(c for c in folded if not unicodedata.combining(c)).replace("’", "'")


@cache
def _read(name: str) -> frozenset[str]:
    return frozenset((FOLDER / name).read_text("utf-8").split())
