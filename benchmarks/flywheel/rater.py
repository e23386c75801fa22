"""The scripted rater: it prefers short, polite, cited answers, and says so through the public API.

It reads nothing but the answer's text, as a person would, and once in a while it errs. Where it likes none of the
answers, it now and then writes the one that it wants, as InstructGPT's labelers did before anything was trained
(Ouyang et al. 2022, §3.2).
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from benchmarks.flywheel import world
from benchmarks.flywheel.world import POLITE, RUDE

_MARK = re.compile(r"\[\d+\]")
_END = re.compile(r"[.!?]")
# What a trait is worth to the rater.
_WORTH = {"rude": -2.0, "uncited": -1.5, "wordy": -1.0, "polite": 1.0}
DISLIKED = ("rude", "uncited", "wordy")


@dataclass(frozen=True, slots=True)
class Traits:
    """What the rater sees in an answer."""

    rude: bool
    polite: bool
    uncited: bool
    wordy: bool

    @classmethod
    def of(cls, text: str) -> Traits:
        """Read an answer. A sentence of courtesy makes nothing wordy."""
        polite = any(text.startswith(opening.strip()) for opening in POLITE)
        bare = _MARK.sub("", text)
        for opening in POLITE:
            bare = bare.removeprefix(opening.strip())
        return cls(
            rude=any(text.startswith(opening.strip()) for opening in RUDE),
            polite=polite,
            uncited=not _MARK.search(text),
            wordy=len(_END.findall(bare)) > 1,
        )

    @property
    def worth(self) -> float:
        """How much the rater likes it."""
        return sum(worth for name, worth in _WORTH.items() if getattr(self, name))

    @property
    def liked(self) -> bool:
        """Is nothing wrong with it, and is it polite?"""
        return self.polite and not self.disliked

    @property
    def disliked(self) -> bool:
        """Is anything of it what the rater dislikes?"""
        return any(getattr(self, name) for name in DISLIKED)


class Rater:
    """Ranks the candidates of a turn.

    Args:
        errs: share of candidates whose worth it misjudges by up to two traits.
        writes: share of turns without an answer to its liking for which it writes one.
    """

    def __init__(
        self, name: str, dice: random.Random, errs: float = 0.05, writes: float = 0.5
    ) -> None:
        self.name = name
        self._dice = dice
        self._errs = errs
        self._writes = writes

    def feedback(
        self, completion: str, question: str, texts: Mapping[str, str]
    ) -> list[dict[str, object]]:
        """What it sends: a ranking where it prefers any candidate, a thumb for the best one, or a better answer.

        Args:
            texts: the candidates by their ids.
        """
        said = self._opinion(texts) if texts else []
        liked = any(Traits.of(text).liked for text in texts.values())
        if not liked and self._dice.random() < self._writes:
            said.append({"type": "correction", "correction": self._written(question)})
        return [{"id": completion, "rater": self.name, **one} for one in said]

    def _opinion(self, texts: Mapping[str, str]) -> list[dict[str, object]]:
        worth = {identifier: self._worth(text) for identifier, text in texts.items()}
        ranked = sorted(worth, key=lambda identifier: -worth[identifier])
        places = [list(same) for _, same in groupby(ranked, key=lambda i: worth[i])]
        said: list[dict[str, object]] = []
        if len(places) > 1:
            said.append({"type": "ranking", "ranking": _on_the_wire(places)})
        best = ranked[0]
        said.append({"type": "rating", "candidate_id": best, "value": Traits.of(texts[best]).liked})
        return said

    def _written(self, question: str) -> str:
        return world.answer(world.fact_asked(question), self._dice.choice(world.LIKED), [])

    def _worth(self, text: str) -> float:
        worth = Traits.of(text).worth
        if self._dice.random() < self._errs:
            worth += self._dice.uniform(-2, 2)
        return worth


def rates(texts: Sequence[str]) -> dict[str, float]:
    """The share of answers with each trait, and with any that the rater dislikes."""
    read = [Traits.of(text) for text in texts]
    names = (*DISLIKED, "polite", "disliked", "liked")
    return {name: sum(getattr(one, name) for one in read) / len(read) for name in names}


def _on_the_wire(places: Sequence[Sequence[str]]) -> list[object]:
    return [place[0] if len(place) == 1 else list(place) for place in places]
