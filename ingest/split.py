"""Documents become chunks: by tokens of the encoder, at sentence ends, with exact spans."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ingest.load.document import LoadedDocument, Section
from text.sentences import Span, sentence_spans
from text.tables import STEP, columns_of, is_row, is_rule


class Tokenizer(Protocol):
    """What splitting needs of an encoder."""

    @property
    def max_tokens(self) -> int: ...

    def token_spans(self, text: str) -> list[Span]: ...

    def count_tokens(self, text: str) -> int: ...


@dataclass(frozen=True, slots=True)
class Piece:
    """A chunk before it is stored: `text == document.text[start:end]`.

    `heading` is the title and heading path that is encoded with the text; `sentences` are spans
    relative to `text`.
    """

    start: int
    end: int
    heading: str
    page: int | None
    text: str
    sentences: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class _Unit:
    """A sentence, or a part of one that is longer than a chunk. `columns` are those of the table whose
    row it is, if the header stands before it."""

    start: int
    end: int
    tokens: int
    columns: str = ""


# A heading path takes at most this share of a chunk; the words nearest to the text are kept.
_HEADING_SHARE = 0.25


def split(
    document: LoadedDocument, tokenizer: Tokenizer, chunk_tokens: int, overlap_tokens: int
) -> list[Piece]:
    """Chunks of at most `chunk_tokens`, heading included, in document order.

    No chunk crosses a heading or a page. One that begins inside a table has the table's columns in its
    heading (text/tables.py). Neighbours overlap by whole sentences of together at most
    `overlap_tokens`. Every character that is not white space is in some chunk.
    """
    limit = min(chunk_tokens, tokenizer.max_tokens)
    pieces: list[Piece] = []
    for section in document.sections:
        heading = _heading(document.title, section, tokenizer, int(limit * _HEADING_SHARE))
        room = limit - (tokenizer.count_tokens(heading) + 1 if heading else 0)
        units = _units(document.text, section, tokenizer, room)
        costs = _column_costs(units, tokenizer, int(limit * _HEADING_SHARE))
        for group in _packed(units, room, min(overlap_tokens, room // 2), costs):
            columns = group[0].columns if group[0].columns in costs else ""
            steps = [step for step in (heading, columns) if step]
            pieces.append(_piece(document.text, section, STEP.join(steps), group))
    return pieces


def _column_costs(units: Sequence[_Unit], tokenizer: Tokenizer, limit: int) -> dict[str, int]:
    """Tokens that the columns of each table take in a heading; too many columns are left out."""
    tables = {unit.columns for unit in units if unit.columns}
    costs = {columns: tokenizer.count_tokens(columns) + 1 for columns in tables}
    return {columns: cost for columns, cost in costs.items() if cost <= limit}


def _heading(title: str, section: Section, tokenizer: Tokenizer, limit: int) -> str:
    steps = [step for step in (title, *section.heading.split(STEP)) if step]
    steps = list(dict.fromkeys(steps))
    while steps and tokenizer.count_tokens(STEP.join(steps)) > limit:
        steps.pop(0)
    return STEP.join(steps)


def _units(text: str, section: Section, tokenizer: Tokenizer, room: int) -> list[_Unit]:
    body = text[section.start : section.end]
    tokens = tokenizer.token_spans(body)
    starts = [start for start, _ in tokens]
    units: list[_Unit] = []
    spans = sentence_spans(body)
    tables = _table_columns([body[start:end] for start, end in spans])
    for (start, end), columns in zip(spans, tables, strict=True):
        first, last = bisect_left(starts, start), bisect_left(starts, end)
        # A sentence without a token (the tokenizer drops some control characters) still has a span.
        edges = _edges(body, tokens, first, last, room)
        for low, high in zip(edges, edges[1:]) if last > first else [(first, first)]:
            unit_start = start if low == first else tokens[low][0]
            unit_end = end if high == last else tokens[high][0]
            unit = _Unit(section.start + unit_start, section.start + unit_end, high - low, columns)
            units.append(unit)
    return units


def _table_columns(sentences: Sequence[str]) -> Iterator[str]:
    """For each sentence the columns of the table in which it stands below the header."""
    columns = ""
    for before, sentence, after in zip(["", *sentences], sentences, [*sentences[1:], ""]):
        if is_rule(sentence):
            columns = columns_of(before) if is_row(before) else ""
        elif not is_row(sentence) or is_rule(after):
            # A row above a rule is the header of another table.
            columns = ""
        yield columns


def _edges(text: str, tokens: Sequence[Span], first: int, last: int, room: int) -> list[int]:
    """Where to cut tokens `first`–`last` into parts of at most `room`, if possible between words."""
    edges = [first]
    while last - edges[-1] > room:
        cut = edges[-1] + room
        words = range(cut, edges[-1] + room // 2, -1)
        between = (i for i in words if not text[tokens[i][0] - 1].isalnum())
        edges.append(next(between, cut))
    return [*edges, last]


def _packed(
    units: Sequence[_Unit], room: int, overlap: int, costs: Mapping[str, int]
) -> Iterator[list[_Unit]]:
    """Groups of units of at most `room` tokens, less what the columns take that the first one needs."""
    group: list[_Unit] = []
    for unit in units:
        left = room - costs.get(group[0].columns, 0) if group else room
        if group and _size(group) + unit.tokens > left:
            yield group
            group = _tail(group, min(overlap, room - unit.tokens))
            while group and _size(group) + unit.tokens > room - costs.get(group[0].columns, 0):
                group.pop(0)
        group.append(unit)
    if group:
        yield group


def _size(group: Sequence[_Unit]) -> int:
    return sum(unit.tokens for unit in group)


def _tail(group: Sequence[_Unit], tokens: int) -> list[_Unit]:
    """The last sentences of a chunk that fit into `tokens`; never the whole chunk."""
    tail: list[_Unit] = []
    for unit in reversed(group[1:]):
        tokens -= unit.tokens
        if tokens < 0:
            break
        tail.insert(0, unit)
    return tail


def _piece(text: str, section: Section, heading: str, group: Sequence[_Unit]) -> Piece:
    start, end = group[0].start, group[-1].end
    sentences = tuple((unit.start - start, unit.end - start) for unit in group)
    return Piece(start, end, heading, section.page, text[start:end], sentences)
