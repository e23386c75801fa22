"""Which questions does a verified answer take for its own, and what does looking cost?

    python -m benchmarks.verified

The pairs in `verified_cases` were written before any rule: pairs that ask the same, and pairs that differ in a
number, a negation, a name, a day, a unit, a direction, who or what is asked about. Rules were written looking
at the half with odd numbers only; the half with even ones is the one to believe. A false match counts ten
times against a right one. Beside the pairs every question is held against every other of its language. The
rival is the encoder alone.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import median

import click

from benchmarks.report import publish, table
from contract.access import PUBLIC
from feedback.log import Log
from feedback.verified import VerifiedRecord
from server.book import Book
from server.verified.serving import LEAST_COSINE
from text.encoder import Encoder
from text.language import reply_language
from text.questions.likeness import RULES, asked_as

CASES = Path(__file__).parent / "verified_cases"
_COST_OF_A_FALSE_MATCH = 10
_ANSWERS = 10_000
_RIVAL = 0.9
_ROUNDS = 200


@dataclass(frozen=True, slots=True)
class Case:
    """Two questions, and whether they ask the same."""

    id: str
    question: str
    other: str
    same: bool

    @property
    def is_for_tuning(self) -> bool:
        """Could whoever wrote the rules look at it?"""
        return int(self.id[-2:]) % 2 == 1


def cases_of(language: str) -> list[Case]:
    """The pairs of a language."""
    lines = (CASES / f"{language}.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [Case(row["id"], row["question"], row["other"], row["same"]) for row in rows]


class Matcher:
    """As a turn does it: the rules, and then the encoder where it reads the language."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    def cosine(self, question: str, other: str) -> float:
        """Likeness by the encoder."""
        mine, theirs = self._encoder.encode_questions([question, other])
        return float(mine @ theirs)

    def matches(self, question: str, other: str) -> bool:
        """Would the verified answer to one be served to the other?"""
        language = reply_language(question)
        if language != reply_language(other):
            return False
        mine, theirs = asked_as(question, language), asked_as(other, language)
        if mine.normal == theirs.normal:
            return True
        if not mine.forms & theirs.forms:
            return False
        return language == "zh" or self.cosine(question, other) >= LEAST_COSINE

    def of_case(self, case: Case) -> bool:
        """The same of a pair."""
        return self.matches(case.question, case.other)

    def of_cosine(self, case: Case) -> bool:
        """What the encoder alone would say."""
        return self.cosine(case.question, case.other) >= _RIVAL


Matches = Callable[[Case], bool]


def row_of(name: str, cases: Sequence[Case], matches: Matches) -> list[object]:
    """Counts of one system on some pairs."""
    right = sum(matches(case) for case in cases if case.same)
    wrong = sum(matches(case) for case in cases if not case.same)
    same = sum(case.same for case in cases)
    score = (right - _COST_OF_A_FALSE_MATCH * wrong) / same
    return [name, f"{right} of {same}", f"{wrong} of {len(cases) - same}", f"{score:.2f}"]


def false_among_all(cases: Sequence[Case], matcher: Matcher) -> tuple[int, int]:
    """Every question against every other but its own partner: matches, and pairs in all."""
    partners = {frozenset((case.question, case.other)) for case in cases if case.same}
    questions = sorted({text for case in cases for text in (case.question, case.other)})
    pairs = [pair for pair in combinations(questions, 2) if frozenset(pair) not in partners]
    return sum(matcher.matches(*pair) for pair in pairs), len(pairs)


def accuracy(encoder: Encoder) -> str:
    """The tables of right and false matches."""
    matcher = Matcher(encoder)
    rows: list[list[object]] = []
    crossed: list[str] = []
    for language in ("en", "zh"):
        cases = cases_of(language)
        tuned = [case for case in cases if case.is_for_tuning]
        held = [case for case in cases if not case.is_for_tuning]
        for half, some in (("odd", tuned), ("even", held)):
            rows.append([language, half, *row_of("verified answers", some, matcher.of_case)])
            name = f"encoder alone, cosine from {_RIVAL}"
            rows.append([language, half, *row_of(name, some, matcher.of_cosine)])
        found, total = false_among_all(cases, matcher)
        crossed.append(f"{language} {found} of {total:,}")
    header = ["language", "half", "system", "same, matched", "different, matched", "score"]
    said = f"Every question against every other that is not its partner, matched: {'; '.join(crossed)}."
    return f"{table(header, rows)}\n\n{said}"


def _record(number: int) -> VerifiedRecord:
    question = f"How long is the warranty on the X{number} kettle of plant {number % 97}?"
    asked = asked_as(question, "en")
    passage = {"number": 1, "document_id": "d", "document": "d.md", "text": "Two years. " * 60}
    return VerifiedRecord(
        id=f"va-{number:032x}",
        created=0.0,
        collection="default",
        language="en",
        instructions="",
        question=question,
        asked=asked.normal,
        forms=sorted(asked.forms),
        rules=RULES,
        answer="Two years. [1]",
        passages=[passage],
        sources=[{"document_id": "d", "path": "d.md", "title": "d", "content_hash": "h"}],
        labels=[],
        made_by="",
        own_words=False,
        completion_id=f"chatcmpl-{number:032x}",
        feedback_id=None,
    )


def _fill(log: Log, numbers: range) -> None:
    """Rows as `insert_verified` writes them, without their turns."""
    records = [_record(number) for number in numbers]
    names = [name for name in VerifiedRecord.__slots__ if name != "revision"]
    with log.writing() as connection:
        connection.execute("BEGIN IMMEDIATE")
        for record in records:
            values = [getattr(record, name) for name in names]
            stored = [json.dumps(v) if isinstance(v, list) else v for v in values]
            marks = ", ".join("?" * len(names))
            connection.execute(
                f"INSERT INTO verified_answer ({', '.join(names)}) VALUES ({marks})", stored
            )
        connection.execute("COMMIT")


async def _typical(work: Callable[[], object]) -> float:
    """Microseconds, the median of many rounds."""
    taken = []
    for _ in range(_ROUNDS):
        begun = time.perf_counter()
        result = work()
        if asyncio.iscoroutine(result):
            await result
        taken.append(1e6 * (time.perf_counter() - begun))
    return median(taken)


async def _costs(folder: Path) -> list[list[object]]:
    log = Log(folder / "log.sqlite")
    book = Book(log)
    rows: list[list[object]] = []
    asked = asked_as("How long is the guarantee on the X77 kettle of plant 77?", "en")
    place = ("default", "en", "")
    try:
        rows.append(["a turn where there are none", f"{await _typical(book.follow):.0f} µs"])
        _fill(log, range(_ANSWERS))
        begun = time.perf_counter()
        await book.follow()
        seconds = time.perf_counter() - begun
        rows.append([f"reading {_ANSWERS:,} after a start, beside the turns", f"{seconds:.2f} s"])
        rows.append(
            [f"a turn where there are {_ANSWERS:,}", f"{await _typical(book.follow):.0f} µs"]
        )
        forms = await _typical(
            lambda: asked_as("How long is the guarantee on the X77 kettle?", "en")
        )
        rows.append(["the forms of its question", f"{forms:.0f} µs"])
        find = await _typical(lambda: book.find(asked, place, PUBLIC))
        rows.append([f"finding one among {_ANSWERS:,}", f"{find:.0f} µs"])
        _fill(log, range(_ANSWERS, _ANSWERS + 1))
        begun = time.perf_counter()
        await book.follow()
        rows.append(
            ["the first turn after a new one", f"{1e6 * (time.perf_counter() - begun):.0f} µs"]
        )
        assert book.find(asked, place, PUBLIC) is not None
    finally:
        book.close()
        log.close()
    return rows


@click.command()
@click.option("--no-write", is_flag=True, help="Only print.")
def main(no_write: bool) -> None:
    """Match every pair, time every step, and write the result."""
    tables = accuracy(Encoder())
    with tempfile.TemporaryDirectory() as folder:
        costs = table(["step", "time"], asyncio.run(_costs(Path(folder))))
    command = "python -m benchmarks.verified"
    publish("verified", command, f"{tables}\n\n{costs}", write=not no_write)


if __name__ == "__main__":
    main()
