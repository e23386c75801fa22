"""Hygiene, step by step: what can be told of one turn as it is read, what needs all of them afterwards.

Between the two the turns lie in a spool on disk. The order is that of cost: what is cheap goes first, and a
model server only reads what is left.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import numpy as np
import orjson

from contract.progress import Progress
from feedback.counts import Counts
from feedback.example import Example
from feedback.hygiene.balance import Mask, drawn, lot
from feedback.hygiene.coverage import select
from feedback.hygiene.evaluation import EvaluationPrompts, read_prompts
from feedback.hygiene.model_reader import ModelReader
from feedback.hygiene.near_duplicates import near_duplicates
from feedback.hygiene.privacy import Privacy
from feedback.hygiene.quality import answer_of, keep_good, not_novel
from feedback.options import Hygiene, Options
from feedback.spool import Spool
from text.encoder import Encoder

NEAR_DUPLICATE = "it asks nearly the same as another turn"
EVALUATION = "its prompt is one of an evaluation"
TOO_MANY = "the person has asked often enough"
UNBALANCED = "refusals out of balance"
NOTHING_LEFT = "no row of it was left"

_READ_AT_A_TIME = 64


class Cleaning:
    """The steps of one export.

    Args:
        folder: where the spool may lie.
        counts: what is left out is counted here.
    """

    def __init__(
        self, options: Options, hygiene: Hygiene, folder: Path, counts: Counts, progress: Progress
    ) -> None:
        self._options = options
        self._hygiene = hygiene
        self._folder = folder
        self._counts = counts
        self._progress = progress
        self._privacy = Privacy(hygiene.public)
        self._evaluation = EvaluationPrompts(
            prompt for path in hygiene.evaluation for prompt in read_prompts(path)
        )

    def clean(self, examples: Iterator[Example]) -> Iterator[Example]:
        """The examples that stay, with the rows that stay, in their order."""
        with closing(Spool(self._folder / ".spool")) as spool:
            for example in examples:
                if self._look_at(example):
                    spool.add(example)
            keeps = np.ones(len(spool), dtype=bool)
            self._drop_near_duplicates(spool, keeps)
            self._drop_the_familiar(spool, keeps)
            self._cap_persons(spool, keeps)
            goes = np.zeros(len(spool.teaches), dtype=bool)
            self._ask_model(spool, keeps, goes)
            self._cover(spool, keeps)
            self._balance(spool, keeps, goes)
            for number in np.flatnonzero(keeps).tolist():
                example = spool.example(number)
                example.keep((~goes[slice(*spool.rows(number))]).tolist())
                if example.rows:
                    yield example
                else:
                    self._counts.dropped[NOTHING_LEFT] += 1

    def _look_at(self, example: Example) -> bool:
        """The steps that need one turn only; false where nothing of it is left."""
        counts = self._counts
        example.rows = orjson.loads(orjson.dumps(example.rows))  # what was spliced in is read
        if self._evaluation.hold(example.key):
            counts.dropped[EVALUATION] += 1
            return False
        if self._options.kind == "sft":
            counts.dropped_rows.update(keep_good(example, self._options.quality))
        if self._hygiene.pii == "drop":
            counts.dropped_rows.update(self._privacy.drop(example, counts.personal_data))
        elif self._hygiene.pii == "redact":
            self._privacy.redact(example, counts.personal_data)
        if not example.rows:
            counts.dropped[NOTHING_LEFT] += 1
        return bool(example.rows)

    def _drop_near_duplicates(self, spool: Spool, keeps: Mask) -> None:
        """Of those that ask nearly the same, the turn that people said most about stays, the first of these."""
        if not self._hygiene.near_duplicates:
            return
        groups = near_duplicates(
            spool.signatures,
            spool.key,
            progress=lambda done, total: self._progress("near-duplicates", done, total),
        )
        best: dict[int, int] = {}
        for number in range(len(spool)):
            group = groups.find(number)
            if group == number and group not in best:
                best[group] = number
                continue
            rival = best[group]
            loser = rival if spool.opinions[number] > spool.opinions[rival] else number
            best[group] = number if loser == rival else rival
            keeps[loser] = False
            self._counts.dropped[NEAR_DUPLICATE] += 1

    def _drop_the_familiar(self, spool: Spool, keeps: Mask) -> None:
        limit = self._options.quality.novelty
        if limit is None:
            return
        for number in not_novel(spool.signatures, spool.key, limit, lambda n: bool(keeps[n])):
            keeps[number] = False
            self._counts.dropped["its prompt is not novel"] += 1

    def _cap_persons(self, spool: Spool, keeps: Mask) -> None:
        """At most so many turns of one person, drawn by lot; the unknown are no one person."""
        by_person: dict[int, list[int]] = {}
        for number in np.flatnonzero(keeps).tolist():
            person = spool.person(number)
            if person is None:
                self._counts.persons["turns of unknown persons"] += 1
            else:
                by_person.setdefault(person, []).append(number)
        self._counts.persons["persons"] = len(by_person)
        most = self._hygiene.per_person
        if not most:
            return
        for person, numbers in by_person.items():
            if len(numbers) > most:
                by_lot = sorted(numbers, key=lambda n: lot(self._options.seed, f"{person} {n}"))
                keeps[by_lot[most:]] = False
                self._counts.dropped[TOO_MANY] += len(numbers) - most

    def _ask_model(self, spool: Spool, keeps: Mask, goes: Mask) -> None:
        """Mark the rows whose answers a model finds odd or bad."""
        quality = self._options.quality
        if quality.url is None or self._options.kind != "sft":
            return
        numbers = iter(np.flatnonzero(keeps).tolist())
        total, done = int(keeps.sum()), 0
        with closing(ModelReader(quality.url, quality.model)) as reader:
            while batch := list(islice(numbers, _READ_AT_A_TIME)):
                self._read(reader, spool, batch, goes)
                done += len(batch)
                self._progress("reading answers", done, total)

    def _read(self, reader: ModelReader, spool: Spool, batch: list[int], goes: Mask) -> None:
        quality, counts = self._options.quality, self._counts.dropped_rows
        places, pairs, languages = [], [], []
        for number in batch:
            example = spool.example(number)
            for place, row in zip(range(*spool.rows(number)), example.rows, strict=True):
                places.append(place)
                pairs.append((example.asked[-1], answer_of(row)))
                languages.append(example.language)
        if quality.perplexity is not None:
            low, high = quality.perplexity
            for place, value in zip(places, reader.perplexities(pairs), strict=True):
                if value is not None and not low <= value <= high:
                    goes[place] = True
                    counts["the answer's perplexity"] += 1
        if quality.min_grade is not None:
            for place, grade in zip(places, reader.grades(pairs, languages), strict=True):
                if grade < quality.min_grade and not goes[place]:
                    goes[place] = True
                    counts["the model's grade"] += 1

    def _cover(self, spool: Spool, keeps: Mask) -> None:
        count = self._options.quality.select
        numbers = np.flatnonzero(keeps).tolist()
        if count is None or count >= len(numbers):
            return
        questions = [spool.example(number).asked[-1] for number in numbers]
        kept = select(
            questions, count, Encoder(), lambda done, total: self._progress("covering", done, total)
        )
        for place, number in enumerate(numbers):
            keeps[number] = place in kept
        self._counts.dropped["others cover it"] += len(numbers) - len(kept)

    def _balance(self, spool: Spool, keeps: Mask, goes: Mask) -> None:
        """Mark the rows that go, beside those of the steps before."""
        for number in np.flatnonzero(~keeps).tolist():
            goes[slice(*spool.rows(number))] = True
        left = np.flatnonzero(~goes)
        unbalanced = drawn(
            np.frombuffer(spool.teaches, dtype=np.int8)[left],
            self._hygiene.refusal_ratio,
            self._hygiene.refusal_share,
            self._options.seed,
            imitates=self._options.kind == "sft",
        )
        goes[left[unbalanced]] = True
        self._counts.dropped_rows[UNBALANCED] += int(unbalanced.sum())
