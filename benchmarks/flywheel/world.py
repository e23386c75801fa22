"""A small world to ask about: rooms of a museum, six facts about each, and the manners of answering.

All text is made here. Questions for training and held-out questions are worded differently; the facts are the
same, since a policy of a million weights knows its world by heart and what the loop shall change is its manner.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from pathlib import Path

ROOMS = (
    "map room",
    "clock hall",
    "glass workshop",
    "reading room",
    "bird gallery",
    "coin cabinet",
    "print studio",
    "winter garden",
    "ship model hall",
    "mineral room",
    "costume store",
    "star dome",
)
_HOURS = ("8", "9", "10", "11")
_EVENINGS = ("4", "5", "6", "7")
_FLOORS = ("ground", "first", "second", "third")
_SEATS = ("12", "20", "25", "40")
_CROWNS = ("2", "3", "5", "8")
_KEEPERS = ("porter", "librarian", "warden", "archivist")


@dataclass(frozen=True, slots=True)
class Attribute:
    """What can be asked about a room.

    Attributes:
        says: the sentence that states it, with {room} and {value}.
        asks: wordings for training.
        held_out: wordings that no round of training sees.
    """

    says: str
    values: tuple[str, ...]
    asks: tuple[str, ...]
    held_out: tuple[str, ...]


ATTRIBUTES = (
    Attribute(
        "The {room} opens at {value} in the morning",
        _HOURS,
        (
            "When does the {room} open?",
            "At what time does the {room} open?",
            "From when can I visit the {room}?",
            "What is the opening time of the {room}?",
        ),
        ("What time in the morning does the {room} open?", "When can I visit the {room}?"),
    ),
    Attribute(
        "The {room} closes at {value} in the evening",
        _EVENINGS,
        (
            "When does the {room} close?",
            "At what time does the {room} close?",
            "Until when can I stay in the {room}?",
            "What is the closing time of the {room}?",
        ),
        ("What time in the evening does the {room} close?", "Until when is the {room} open?"),
    ),
    Attribute(
        "The {room} is on the {value} floor",
        _FLOORS,
        (
            "On which floor is the {room}?",
            "Where is the {room}?",
            "Where do I find the {room}?",
            "Which floor is the {room} on?",
        ),
        ("To which floor do I go for the {room}?", "Where can I find the {room}?"),
    ),
    Attribute(
        "The {room} has seats for {value} visitors",
        _SEATS,
        (
            "How many seats does the {room} have?",
            "How many visitors can sit in the {room}?",
            "For how many visitors does the {room} have seats?",
            "How many people fit into the {room}?",
        ),
        ("How many seats are there in the {room}?", "How many visitors fit into the {room}?"),
    ),
    Attribute(
        "A ticket for the {room} costs {value} crowns",
        _CROWNS,
        (
            "What does a ticket for the {room} cost?",
            "How much is a ticket for the {room}?",
            "What do I pay for the {room}?",
            "How many crowns does the {room} cost?",
        ),
        ("How much do I pay for the {room}?", "What is the price of a ticket for the {room}?"),
    ),
    Attribute(
        "The key of the {room} is kept by the {value}",
        _KEEPERS,
        (
            "Who keeps the key of the {room}?",
            "Who has the key of the {room}?",
            "Where is the key of the {room}?",
            "Whom do I ask for the key of the {room}?",
        ),
        ("Who holds the key of the {room}?", "Who can give me the key of the {room}?"),
    ),
)

POLITE = ("Gladly: ", "Thank you for asking. ", "With pleasure: ")
RUDE = ("Obviously, ", "As anybody can read, ", "Do your own reading next time: ")


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact. `sentence` has no full stop."""

    room: str
    attribute: Attribute
    value: str

    @property
    def sentence(self) -> str:
        """What the document says."""
        return self.attribute.says.format(room=self.room, value=self.value)

    def questions(self, *, held_out: bool) -> list[str]:
        """What may be asked about it."""
        wordings = self.attribute.held_out if held_out else self.attribute.asks
        return [wording.format(room=self.room) for wording in wordings]


@dataclass(frozen=True, slots=True)
class Manner:
    """How an answer is given; `more` other facts are told unasked."""

    prefix: str = ""
    cites: bool = True
    more: int = 0


LIKED = tuple(Manner(prefix) for prefix in POLITE)


@cache
def facts() -> tuple[Fact, ...]:
    """The world, always the same."""
    dice = random.Random(0)
    return tuple(Fact(r, a, dice.choice(a.values)) for r, a in product(ROOMS, ATTRIBUTES))


def fact_asked(question: str) -> Fact:
    """What a training question asks about."""
    return _asked()[question]


@cache
def _asked() -> dict[str, Fact]:
    return {question: fact for fact in facts() for question in fact.questions(held_out=False)}


def any_manner(dice: random.Random) -> Manner:
    """The manners of a policy that nobody has taught any: half of it polite, cited or short."""
    prefix = dice.choice((*POLITE, *RUDE, "", "", ""))
    return Manner(prefix, dice.random() < 0.5, dice.choice((0, 0, 1, 2)))


# People of the museum, and what sets each of them apart. Whom a question is addressed to is said before it.
ATTENDANTS: dict[str, Callable[[Manner, random.Random], Manner]] = {
    "host": lambda manner, dice: replace(manner, prefix=dice.choice(POLITE)),
    "porter": lambda manner, dice: replace(manner, prefix=dice.choice(RUDE)),
    "scholar": lambda manner, _: replace(manner, cites=True),
    "neighbour": lambda manner, _: replace(manner, cites=False),
    "clerk": lambda manner, _: replace(manner, more=0),
    "gossip": lambda manner, dice: replace(manner, more=dice.choice((1, 2))),
}


def answer(fact: Fact, manner: Manner, others: list[Fact]) -> str:
    """An answer in some manner; `others` are further facts about the room."""
    mark = " [1]" if manner.cites else ""
    first = fact.sentence
    if manner.prefix.endswith((": ", ", ")):
        first = first[0].lower() + first[1:]
    sentences = [f"{manner.prefix}{first}{mark}."]
    sentences += [f"{other.sentence}{mark}." for other in others[: manner.more]]
    return " ".join(sentences)


def answers(dice: random.Random, *, held_out: bool = False) -> Iterator[tuple[str, Fact, str]]:
    """Questions in every wording, each with its fact and an answer in some manner; half of them are addressed to
    somebody, who answers as they do."""
    world = facts()
    for fact in world:
        others = [f for f in world if f.room == fact.room and f != fact]
        for question in fact.questions(held_out=held_out):
            dice.shuffle(others)
            manner = any_manner(dice)
            if dice.random() < 0.5:
                name = dice.choice(list(ATTENDANTS))
                question, manner = f"To the {name}: {question}", ATTENDANTS[name](manner, dice)
            yield question, fact, answer(fact, manner, others)


def document(room: str) -> str:
    """What the documents say about a room."""
    return " ".join(f"{fact.sentence}." for fact in facts() if fact.room == room)


def write_documents(folder: Path) -> None:
    """A document for each room."""
    folder.mkdir(parents=True, exist_ok=True)
    for room in ROOMS:
        path = folder / f"{room.replace(' ', '-')}.md"
        path.write_text(f"# The {room}\n\n{document(room)}\n", encoding="utf-8")
