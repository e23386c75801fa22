"""Cues: phrases by which people do a thing with words; features of the trained heads."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files

import numpy as np
import yaml

from contract.passage import Vector


class Cues:
    """The phrases of `cues.yaml`, compiled; `names` gives their order in a row."""

    def __init__(self, source: str) -> None:
        content: dict[str, dict[str, str | list[str]]] = yaml.safe_load(source)
        self.names = tuple(content)
        self.fingerprint = hashlib.sha256(source.encode()).hexdigest()[:16]
        self._patterns = {
            language: [_compile(content[name][language]) for name in self.names]
            for language in ("en", "zh")
        }

    def find(self, sentences: Sequence[str], language: str) -> Vector:
        """Which cues each sentence has: (s, c) of zeros and ones."""
        patterns = self._patterns[language]
        lowered = [sentence.lower() for sentence in sentences]
        rows = [[pattern.search(text) is not None for pattern in patterns] for text in lowered]
        return np.asarray(rows, dtype=np.float32).reshape(len(rows), len(patterns))


@lru_cache(maxsize=1)
def load_cues() -> Cues:
    """The cues that the committed heads were fitted on."""
    return Cues(files("rbrm.weights").joinpath("cues.yaml").read_text(encoding="utf-8"))


def _compile(source: str | list[str]) -> re.Pattern[str]:
    """Text in lower case needs no IGNORECASE, which would cost three times as much."""
    parts = [source] if isinstance(source, str) else source
    return re.compile("|".join(parts).replace("'", "['’]"), re.MULTILINE)
