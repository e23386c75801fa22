"""A team's own words: `PTO = paid time off, annual leave`, one term a line.

A term in a question is searched for under its other names as well, with less weight, and explained
in the prompt.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from contract.errors import ConfigurationError
from text.language import HAN
from text.terms import content_terms

_PARTS = re.compile("[,，、;；]")
# What another name of a term weighs beside the term itself.
SYNONYM_WEIGHT = 0.5


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a glossary: names that mean the same, the first one the term."""

    names: tuple[str, ...]
    patterns: tuple[re.Pattern[str], ...]

    @property
    def definition(self) -> str:
        """How the prompt explains it."""
        return f"{self.names[0]} = {', '.join(self.names[1:])}"


class Glossary:
    """All entries of a file."""

    def __init__(self, entries: tuple[Entry, ...] = ()) -> None:
        self._entries = entries

    def entries_in(self, question: str) -> list[Entry]:
        """The entries with a name in the question, whole words only."""
        text = _plain(question)
        return [e for e in self._entries if any(p.search(text) for p in e.patterns)]

    def other_terms(self, question: str) -> list[str]:
        """Terms of the other names of what the question names, without the question's own."""
        own = set(content_terms(question))
        names = (name for entry in self.entries_in(question) for name in entry.names)
        found = (term for name in names for term in content_terms(name))
        return [term for term in dict.fromkeys(found) if term not in own]

    def definitions(self, question: str) -> tuple[str, ...]:
        """One line for each entry that the question names."""
        return tuple(entry.definition for entry in self.entries_in(question))


def read_glossary(path: Path | None) -> Glossary:
    """The glossary of a file; an empty one without a file.

    Lines are `term = synonym, synonym` (or `term: synonym, synonym`); `#` opens a comment.

    Raises:
        ConfigurationError: the file can't be read, or a line is wrong; the line's number is named.
    """
    if path is None:
        return Glossary()
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"retrieval.glossary {path} can't be read as UTF-8 text ({error})."
        ) from error
    entries: list[Entry] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        if line.split("#", 1)[0].strip():
            entry = _entry(path, number, line.split("#", 1)[0])
            term = _plain(entry.names[0])
            if term in seen:
                raise _wrong(path, number, f"{entry.names[0]!r} stands in line {seen[term]} too")
            seen[term] = number
            entries.append(entry)
    return Glossary(tuple(entries))


def _entry(path: Path, number: int, line: str) -> Entry:
    term, mark, rest = re.sub("[=＝:：]", "=", line, count=1).partition("=")
    names = [term.strip(), *(part.strip(" \t[]\"'") for part in _PARTS.split(rest))]
    if not mark or not names[0] or not any(names[1:]):
        raise _wrong(path, number, "write `term = synonym, synonym`")
    names = [name for name in names if name]
    if not all(content_terms(name) for name in names):
        raise _wrong(path, number, "each name needs a word that is no stop word")
    return Entry(tuple(names), tuple(_pattern(name) for name in names))


def _wrong(path: Path, number: int, what: str) -> ConfigurationError:
    return ConfigurationError(f"retrieval.glossary {path}, line {number}: {what}.")


def _pattern(name: str) -> re.Pattern[str]:
    """The name as a whole: Latin words end at word boundaries, Han characters stand anywhere."""
    plain = _plain(name)
    words = r"\s+".join(re.escape(word) for word in plain.split())
    before = "" if re.match(f"[{HAN}]", plain) else r"(?<![a-z0-9])"
    after = "" if re.search(f"[{HAN}]$", plain) else r"(?![a-z0-9])"
    return re.compile(before + words + after)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).lower().strip()
