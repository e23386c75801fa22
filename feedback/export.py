"""The files of the next round: JSON lines in TRL's columns, and a data card beside them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import orjson

from feedback.card import write_card
from feedback.fit import misfit, named_in
from feedback.log import Log
from feedback.options import Counts, Options
from feedback.pairs import Pair, human_pairs, judge_pairs, texts_of
from feedback.records import CompletionRecord, FeedbackRecord
from feedback.whole import replace_folder

Row = dict[str, Any]
Progress = Callable[[str, int, int], None]

# From this rating on (0 bad to 1 good) an answer is an example; up to that one it is a bad one.
_GOOD, _BAD = 0.75, 0.25


def export(log: Log, folder: Path, options: Options, progress: Progress) -> Counts:
    """Write `train.jsonl`, `validation.jsonl`, `card.json` and `README.md` into a folder.

    The folder appears whole or not at all; one that is there is replaced. Turns are read one at a
    time, so memory does not grow with the log.
    """
    counts = Counts()
    logged = log.counts()
    deleted = sum(logged["deleted"].values())
    total = sum(logged["completions"].values()) - deleted
    if deleted:
        counts.dropped["the turn was deleted"] = deleted
    with replace_folder(folder) as draft:
        with ExitStack() as stack:
            files = {
                name: stack.enter_context((draft / f"{name}.jsonl").open("wb"))
                for name in ("train", "validation")
            }
            for record in log.completions():
                counts.turns += 1
                progress("exporting", counts.turns, total)
                _write_turn(log, record, options, files, counts)
        # An empty file is no data set to `datasets`, and would keep the other from loading.
        for name in files:
            if not counts.rows[name]:
                (draft / f"{name}.jsonl").unlink()
        write_card(draft, options, counts)
    return counts


def rows_of(
    record: CompletionRecord, feedback: list[FeedbackRecord], options: Options, log: Log
) -> list[Row]:
    """The rows of one turn."""
    named = texts_of(record)
    feedback = [row for row in feedback if _fits(row, named, log)]
    for row in feedback:
        for identifier in _named_elsewhere(row, named):
            owner = log.completion_of_candidate(identifier)
            if owner is not None:
                named |= texts_of(log.completion(owner))
    pairs: list[Pair] = []
    if options.human:
        pairs += human_pairs(record, feedback, named)
    if options.judge:
        pairs += judge_pairs(record, options.min_margin)
    make = {"sft": _sft, "rm": _preference, "dpo": _preference, "kto": _kto, "grpo": _grpo}
    return make[options.kind](record, feedback, pairs, options)


def _write_turn(
    log: Log,
    record: CompletionRecord,
    options: Options,
    files: Mapping[str, IO[bytes]],
    counts: Counts,
) -> None:
    if record.decision == "error":
        counts.dropped["the turn failed"] += 1
        return
    feedback = list(log.feedback(completion_id=record.id))
    rows = rows_of(record, feedback, options, log)
    if not rows:
        counts.dropped["nothing in it fits this format"] += 1
        return
    split = _split_of(record, options)
    for row in rows:
        files[split].write(orjson.dumps(row) + b"\n")
        counts.rows[split] += 1
        counts.sources[row["source"]] += 1
    for name in (
        "policy_version",
        "judge_version",
        "rubric_version",
        "index_version",
        "settings_version",
    ):
        counts.versions.setdefault(name, Counter())[getattr(record, name)] += 1


def _preference(
    record: CompletionRecord, feedback: list[FeedbackRecord], pairs: list[Pair], options: Options
) -> list[Row]:
    return [
        {
            "prompt": record.prompt,
            "chosen": _said(pair.chosen),
            "rejected": _said(pair.rejected),
            "source": pair.source,
            "kind": pair.kind,
            "group": record.id,
            "weight": pair.weight,
            "reward_margin": pair.margin,
        }
        for pair in pairs
    ]


def _sft(
    record: CompletionRecord, feedback: list[FeedbackRecord], pairs: list[Pair], options: Options
) -> list[Row]:
    """Corrections, answers that people rated good, and (by the judge) served ideal answers."""
    texts: list[tuple[str, str]] = []
    if options.human:
        texts += [(r.body["correction"], "human") for r in feedback if r.type == "correction"]
        texts += [(text, "human") for text, score in _rated(record, feedback) if score >= _GOOD]
    if options.judge:
        served = [c for c in record.candidates if c.served and c.completion_class == "ideal"]
        texts += [(c.text, "judge") for c in served]
    return [
        {"prompt": record.prompt, "completion": _said(t), "source": source, "group": record.id}
        for t, source in dict(reversed(texts)).items()
    ]


def _kto(
    record: CompletionRecord, feedback: list[FeedbackRecord], pairs: list[Pair], options: Options
) -> list[Row]:
    """Single answers with a thumb up or down; both sides of a pair count as one each."""
    marks: dict[tuple[str, str], list[bool]] = {}
    for pair in pairs:
        marks.setdefault((pair.chosen, pair.source), []).append(True)
        marks.setdefault((pair.rejected, pair.source), []).append(False)
    if options.human:
        for text, score in _rated(record, feedback):
            if score >= _GOOD or score <= _BAD:
                marks.setdefault((text, "human"), []).append(score >= _GOOD)
    # The majority decides; where opinions are even, there is none.
    clear = {key: sum(m) > len(m) / 2 for key, m in marks.items() if sum(m) != len(m) / 2}
    return [
        {
            "prompt": record.prompt,
            "completion": _said(text),
            "label": label,
            "source": source,
            "group": record.id,
        }
        for (text, source), label in clear.items()
    ]


def _grpo(
    record: CompletionRecord, feedback: list[FeedbackRecord], pairs: list[Pair], options: Options
) -> list[Row]:
    """The prompt with what rule rewards need: passages, and a reference answer where one is known."""
    corrections = [r.body["correction"] for r in feedback if r.type == "correction"]
    good = [text for text, score in _rated(record, feedback) if score >= _GOOD]
    reference = next(iter([*corrections, *good]), None)
    if reference is None and not options.judge:
        return []
    return [
        {
            "prompt": record.prompt,
            "question": record.question,
            "passages": [passage["text"] for passage in record.passages],
            "reference": reference,
            "source": "judge" if reference is None else "human",
            "group": record.id,
        }
    ]


def _rated(record: CompletionRecord, feedback: list[FeedbackRecord]) -> Iterator[tuple[str, float]]:
    named = texts_of(record)
    for row in feedback:
        text = named.get(row.body.get("candidate_id") or record.id)
        if row.type == "rating" and text is not None:
            yield text.text, _score(row.body["value"])


def _score(value: bool | int | str) -> float:
    """A rating between 0 (bad) and 1 (good)."""
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, int):
        return (value - 1) / 4
    return {"good": 1.0, "ok": 0.5, "bad": 0.0}[value]


def _fits(row: FeedbackRecord, named: dict[str, Any], log: Log) -> bool:
    """Feedback that came before its turn was not checked; it may name an answer to something else."""
    if not _named_elsewhere(row, named):
        return True
    with log.reading() as connection:
        return misfit(connection, row) is None


def _named_elsewhere(row: FeedbackRecord, named: dict[str, Any]) -> list[str]:
    return [identifier for _, identifier in named_in(row.body) if identifier not in named]


def _split_of(record: CompletionRecord, options: Options) -> str:
    """By the first question of a conversation, so that its later turns stay together."""
    first = next(m["content"] for m in record.prompt if m["role"] == "user")
    key = record.question if len(record.prompt) <= 2 else first
    digest = hashlib.sha256(f"{options.seed}\0{key}".encode()).digest()
    share = int.from_bytes(digest[:6], "big") / 2**48
    return "validation" if share < options.validation else "train"


def _said(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]
