"""Hashed n-grams: words in English, characters in Chinese."""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from text.language import HAN

Grams = npt.NDArray[np.int64]
Number = TypeVar("Number", np.float32, np.float64)

# A power of two: large enough that what collides is rare, small enough to commit.
BUCKETS = 1 << 13
_LONGEST = 3

_WORD = re.compile(r"[a-z']+|\d+|[?!]")
_RUN = re.compile(rf"[{HAN}]+|[a-z0-9]+|[!?]")


def grams(text: str, language: str) -> Grams:
    """The different buckets of a text's runs of one to three words or characters, sorted."""
    plain = unicodedata.normalize("NFKC", text).lower().replace("’", "'")
    if language == "zh":
        runs = [list(run) for run in _RUN.findall(plain)]
        joint = ""
    else:
        runs, joint = [_WORD.findall(plain)], " "
    found = {
        joint.join(run[i : i + n])
        for run in runs
        for n in range(1, _LONGEST + 1)
        for i in range(len(run) - n + 1)
    }
    buckets = {zlib.crc32(gram.encode()) % BUCKETS for gram in found}
    return np.fromiter(sorted(buckets), dtype=np.int64, count=len(buckets))


def union(parts: Sequence[Grams]) -> Grams:
    """The different buckets of several texts, sorted."""
    if len(parts) == 1:
        return parts[0]
    found = np.sort(np.concatenate([*parts, np.zeros(0, dtype=np.int64)]))
    # By hand: np.unique costs three times as much on rows as short as these.
    return found[np.append(True, found[1:] != found[:-1])] if len(found) else found


def unit_weights(buckets: Grams, idf: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """Inverse document frequencies of some buckets, as a vector of length 1; zeros where all are 0."""
    weights = idf[buckets]
    return np.asarray(weights / (np.linalg.norm(weights) or 1.0), dtype=idf.dtype)
