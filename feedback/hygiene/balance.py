"""Refusing what is harmless is as wrong as answering what is harmful, so neither may be taught alone.

Of preferences and marks, rows that teach to refuse and rows that teach not to stay within a ratio of each
other; among answers to imitate, refusals stay below a share. Which rows go is decided by lot, with a seed,
so the same log gives the same rows.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from feedback.example import ANSWER, REFUSE

Rows = npt.NDArray[np.int8]
Mask = npt.NDArray[np.bool_]

# So many of one side stay in any case: small sets are made by hand.
_FLOOR = 20


def drawn(teaches: Rows, ratio: float, share: float, seed: int, *, imitates: bool) -> Mask:
    """Which rows go.

    Args:
        teaches: REFUSE, ANSWER or NEITHER for every row: (n,).
        imitates: all rows are answers to imitate (SFT).

    Returns:
        True for each row that goes: (n,).
    """
    refusing = int((teaches == REFUSE).sum())
    answering = int((teaches == ANSWER).sum())
    if imitates:
        most = {REFUSE: max(_FLOOR, int((len(teaches) - refusing) * share / (1 - share)))}
    else:
        most = {
            REFUSE: max(_FLOOR, int(answering * ratio)),
            ANSWER: max(_FLOOR, int(refusing * ratio)),
        }
    goes = np.zeros(len(teaches), dtype=bool)
    for side, count in most.items():
        own = np.flatnonzero(teaches == side)
        if len(own) > count:
            lots = np.random.default_rng(seed).permutation(len(own))
            goes[own[lots[count:]]] = True
    return goes


def lot(seed: int, name: str) -> int:
    """A number below 2⁶⁴ drawn for a name; the same whenever it is drawn."""
    digest = hashlib.blake2b(f"{seed}\0{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")
