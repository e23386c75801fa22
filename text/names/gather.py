"""Gather the lists of known names from Faker: `pip install faker && python -m text.names.gather`.

Words that are names somewhere and common English words everywhere are left out: they would make names of titles.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

from text.names.known import FOLDER, plain

_LATIN = re.compile(r"[a-z][a-z'-]+")
_WORDS = frozenset(
    "the and for with will may mark rose grace hope faith joy summer autumn april june august art bill drew frank rich pat sue rob jack max "
    "page price rice bush field fields forest hill hills lake land lane marsh meadow mill park pool rivers stone street wood woods "
    "bank bell bird black blue brown gray green grey silver white gold bright sharp strong short long small little young noble "
    "king queen prince duke earl lord bishop pope abbot knight page cook baker butcher carpenter driver farmer fisher gardener "
    "hunter mason miller painter porter potter sailor shepherd singer smith tailor turner weaver best chance early free good hardy "
    "holiday love mister moody more music new north south east west winter spring day night monday friday storm snow frost rain "
    "case bond bond cash check close cost dash drew dean frame gain gates grant guest head hand heard house keys kind latch law major "
    "marks mean mills mobile monk moon moss nation nice order paris london england ireland france china india israel jordan chad "
    "virginia georgia carolina dakota austin dallas houston phoenix victoria sydney florence milan roma asia europa america "
    "port power pride read reading rush sales savage self senior service shore star stark start stock story sugar sweet swift "
    "can could do does did is are was has have had must shall should would not add air app job see use used site unit item list test type user "
    "teal temple trust vale valley van wall walls ward water waters way wells wild wise worth yes you zone angel baby bean berry".split()
)


def main() -> None:
    """Write both lists."""
    for name, marks in (("given.txt", ("first", "given")), ("family.txt", ("last", "family"))):
        words = sorted({word for found in _names(marks) for word in _split(found)} - _WORDS)
        (FOLDER / name).write_text("\n".join(words) + "\n", encoding="utf-8")


def _names(marks: tuple[str, ...]) -> Iterator[str]:
    import faker.providers.person as person

    for module in pkgutil.iter_modules(person.__path__):
        provider = importlib.import_module(f"{person.__name__}.{module.name}").Provider
        for attribute in dir(provider):
            if any(mark in attribute for mark in marks):
                yield from _listed(getattr(provider, attribute))


def _listed(value: Any) -> Iterator[str]:
    if isinstance(value, dict | tuple | list):
        yield from (name for name in value if isinstance(name, str))


def _split(name: str) -> Iterator[str]:
    words = (plain(word) for word in name.split())
    return (word for word in words if _LATIN.fullmatch(word) and len(word) > 2)


if __name__ == "__main__":
    main()
