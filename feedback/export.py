"""The files of the next round: JSON lines in a trainer's columns, and a data card beside them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import IO

import orjson

from contract.errors import ConfigurationError
from contract.progress import Progress
from feedback.agreement import Agreement
from feedback.answers import Answer, answers_of, named_answers
from feedback.card import write_card
from feedback.cleaning import Cleaning
from feedback.counts import Counts
from feedback.example import ANSWER, REFUSE, Example, is_known
from feedback.fit import misfit, named_in
from feedback.formats import rows_of
from feedback.hygiene.balance import lot
from feedback.hygiene.task_types import task_type
from feedback.log import Log
from feedback.material import Material
from feedback.options import RULED, Options
from feedback.pairs import human_pairs, judge_pairs
from feedback.records import FeedbackRecord
from feedback.turns import LoggedTurn, count_deleted, count_turns, find_turn, read_turns
from feedback.whole import replace_folder

# Only an unescaped quotation mark ends a JSON key, so no text of a person can hold these.
_NO_TEXT = ('"tool_calls":', '"role":"tool"', '"image_url":')

_FILES = ("train", "validation")
# Rows hold passages, so the usual buffer of 8 KiB would be written for each of them.
_BUFFER = 2**20


def export(log: Log, folder: Path, options: Options, progress: Progress) -> Counts:
    """Write `train.jsonl`, `validation.jsonl`, `card.json` and `README.md` into a folder.

    The folder appears whole or not at all; one that is there is replaced. Turns are read one at a
    time and wait on disk, so memory grows by some 400 bytes a turn only.

    Raises:
        ConfigurationError: the options contradict each other, the folder is somebody else's, or a file of
            evaluation prompts can't be read.
        PolicyUnavailable: a model server that was to read the answers can't be used.
    """
    if options.kind == "openai-dpo" and len(options.sources) > 1:
        raise ConfigurationError(
            "OpenAI's format has no column that says whose preference a row is. Export --source human and "
            "--source judge into two folders."
        )
    if options.kind in RULED and options.judge:
        raise ConfigurationError(
            f"{options.kind} are what people ruled, so that the judge can be held against them; they come "
            "from --source human only."
        )
    counts = Counts()
    with replace_folder(folder) as draft, log.reading() as connection:
        connection.execute("BEGIN")  # one state of the log, whatever is written meanwhile
        counts.dropped["the turn was deleted"] = count_deleted(connection)
        examples = _examples(connection, options, counts, progress)
        if options.hygiene is not None:
            cleaning = Cleaning(options, options.hygiene, draft, counts, progress)
            examples = cleaning.clean(examples)
        _write(examples, draft, options, counts)
        write_card(draft, options, counts)
    return counts


def _examples(
    connection: sqlite3.Connection, options: Options, counts: Counts, progress: Progress
) -> Iterator[Example]:
    agreement = Agreement()
    total = count_turns(connection, options.selection)
    with_passages = options.kind in ("grpo", *RULED)
    for turn in read_turns(connection, options.selection, with_passages=with_passages):
        counts.turns += 1
        if counts.turns % 100 == 0 or counts.turns == total:
            progress("reading turns", counts.turns, total)
        if turn.feedback:
            agreement.add(turn.feedback)
        example, reason = _example(connection, turn, options)
        if example is None:
            counts.dropped[reason] += 1
        else:
            yield example
    counts.agreement = agreement.figures()


def _example(
    connection: sqlite3.Connection, turn: LoggedTurn, options: Options
) -> tuple[Example | None, str]:
    """What a turn gives, or why it gives nothing."""
    if turn.decision == "error":
        return None, "the turn failed"
    if not turn.feedback and not options.judge:
        return None, "nobody has said anything about it"
    if turn.answered_by is None:
        # A person's words are no sample of the policy: the judge's liking for them teaches nothing new.
        if not turn.feedback or not options.human:
            return None, "a verified answer answered it"
        options = replace(options, sources=("human",))
    if any(map(turn.prompt.__contains__, _NO_TEXT)):
        return None, "there are tools or pictures in it"
    answers = answers_of(turn)
    named = dict(named_answers(turn, answers))
    if turn.feedback:
        feedback, others = _that_fits(connection, turn, named)
        if len(feedback) < len(turn.feedback):
            turn = turn._replace(feedback=feedback)
        named |= others
    pairs = list(human_pairs(turn.id, turn.feedback, named)) if options.human else []
    if options.judge:
        pairs += judge_pairs(answers, options.min_margin)
    taught = rows_of(Material(turn, named, pairs, options))
    if not taught:
        return None, "nothing in it fits this format"
    example = Example(
        id=turn.id,
        person=turn.person,
        split_with=_split_with(turn),
        language=turn.language,
        asked=(turn.asked or [turn.question]) if options.hygiene is not None else [],
        opinions=len(turn.feedback),
        rows=[row for row, _ in taught],
        teaches=[side for _, side in taught],
        made_by=turn.provenance,
    )
    return example, ""


def _split_with(turn: LoggedTurn) -> str:
    """A person is in one file only; of a person who is not known, a conversation or a few-shot set is."""
    if is_known(turn.person):
        return f"person {turn.person}"
    return turn.few_shot_set or next(iter(turn.asked), turn.question)


def _that_fits(
    connection: sqlite3.Connection, turn: LoggedTurn, named: Mapping[str, Answer]
) -> tuple[list[FeedbackRecord], dict[str, Answer]]:
    """The feedback that speaks of this conversation, and the answers of other turns that it names.

    Feedback that came before its turn could not be checked then; it may name an answer to something else.
    """
    fitting, others = [], dict[str, Answer]()
    for row in turn.feedback:
        elsewhere = [identifier for _, identifier in named_in(row.body) if identifier not in named]
        if elsewhere and misfit(connection, row) is not None:
            continue
        fitting.append(row)
        for owner in filter(None, (find_turn(connection, identifier) for identifier in elsewhere)):
            others |= named_answers(owner, answers_of(owner))
    return fitting, others


def _write(examples: Iterator[Example], folder: Path, options: Options, counts: Counts) -> None:
    with ExitStack() as stack:
        files: dict[str, IO[bytes]] = {
            name: stack.enter_context((folder / f"{name}.jsonl").open("wb", _BUFFER))
            for name in _FILES
        }
        for example in examples:
            _count(example, options, counts)
            split = _drawn(example.split_with, options)
            for row, side in zip(example.rows, example.teaches, strict=True):
                own = split
                if options.split_by == "rater" and row.get("rater"):
                    own = _drawn(row["rater"], options)
                files[own].write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
                counts.rows[own] += 1
                counts.sources[row.get("source", options.sources[0])] += 1
                counts.refusals[_TAUGHT[side]] += 1
    # An empty file is no data set to `datasets`, and would keep the other from loading.
    for name in _FILES:
        if not counts.rows[name]:
            (folder / f"{name}.jsonl").unlink()


_TAUGHT = {
    REFUSE: "rows that teach to refuse",
    ANSWER: "rows that teach to answer",
    0: "rows that teach neither",
}


def _count(example: Example, options: Options, counts: Counts) -> None:
    counts.languages[example.language] += 1
    counts.made_by[tuple(example.made_by)] += 1
    if options.hygiene is not None:
        counts.task_types[task_type(example.asked[-1])] += 1
    elif not example.is_known:
        counts.persons["turns of unknown persons"] += 1


def _drawn(name: str, options: Options) -> str:
    return _file_of(name, options.seed, options.validation)


@lru_cache(2**16)
def _file_of(name: str, seed: int, validation: float) -> str:
    return "validation" if lot(seed, name) / 2**64 < validation else "train"
