"""Hits become passages: repeats out, neighbours joined."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from contract.passage import Chunk, Hit, Passage, Sentence
from text.terms import terms

# Two texts are the same but for wording if they share this much of the shorter one's shingles.
_SAME_FROM, _SHINGLE = 0.9, 4
_NUMBER = re.compile(r"\d+")


def thinned(hits: Sequence[Hit]) -> list[Hit]:
    """Hits without those that repeat a better one: the same text, or nearly, with the same numbers."""
    kept: list[_Said] = []
    for hit in hits:
        said = _Said(hit)
        if not any(said.repeats(other) for other in kept):
            kept.append(said)
    return [said.hit for said in kept]


class _Said:
    """What a hit says, in the forms that it is compared by: the dear ones only where the cheap ones agree."""

    def __init__(self, hit: Hit) -> None:
        self.hit = hit
        self.text = " ".join(hit.chunk.text.split())
        self.numbers = frozenset(_NUMBER.findall(self.text))

    @cached_property
    def terms(self) -> list[str]:
        return terms(self.hit.chunk.text)

    @cached_property
    def words(self) -> frozenset[str]:
        return frozenset(self.terms)

    @cached_property
    def shingles(self) -> frozenset[tuple[str, ...]]:
        starts = range(max(1, len(self.terms) - _SHINGLE + 1))
        return frozenset(tuple(self.terms[i : i + _SHINGLE]) for i in starts)

    def repeats(self, other: _Said) -> bool:
        if self.text == other.text:
            return True
        shorter, longer = sorted((len(self.text), len(other.text)))
        if shorter < 0.7 * longer or self.numbers != other.numbers:
            return False
        if self.hit.chunk.document_id == other.hit.chunk.document_id:
            return False
        # Texts that share this much of their shingles share at least as much of their words.
        return _shared(self.words, other.words) and _shared(self.shingles, other.shingles)


def _shared(mine: frozenset[Any], theirs: frozenset[Any]) -> bool:
    return len(mine & theirs) >= _SAME_FROM * max(1, min(len(mine), len(theirs)))


def joined(hits: Sequence[Hit]) -> list[list[Hit]]:
    """Runs of neighbouring chunks, each at the place of its best hit."""
    runs: list[list[Hit]] = []
    for hit in hits:
        for run in runs:
            if _touches(run, hit.chunk):
                run.append(hit)
                run.sort(key=lambda member: member.chunk.ordinal)
                break
        else:
            runs.append([hit])
    return runs


def _touches(run: Sequence[Hit], chunk: Chunk) -> bool:
    first, last = run[0].chunk, run[-1].chunk
    same = first.document_id == chunk.document_id and first.heading == chunk.heading
    return same and chunk.ordinal in (first.ordinal - 1, last.ordinal + 1)


def passage_of(
    run: Sequence[Hit], number: int, sentences_of: Mapping[int, Sequence[Sentence]]
) -> Passage:
    """One passage from a run of neighbouring chunks, with what overlaps in it once.

    `sentences_of` holds those of each chunk, by its id.
    """
    best = max(run, key=lambda hit: hit.score)
    first = run[0].chunk
    text, sentences = first.text, list(sentences_of[first.id])
    end = first.end
    for hit in run[1:]:
        chunk = hit.chunk
        gap = "\n" if chunk.start > end else ""
        text += gap + chunk.text[max(0, end - chunk.start) :]
        sentences += _after(sentences_of[chunk.id], end)
        end = chunk.end
    return Passage(
        number=number,
        document_id=first.document_id,
        document=first.document,
        title=first.title,
        heading=first.heading,
        page=first.page,
        ordinal=best.chunk.ordinal,
        start=first.start,
        end=end,
        text=text,
        score=best.score,
        sentences=tuple(sentences),
        labels=first.labels,
    )


def _after(sentences: Sequence[Sentence], end: int) -> list[Sentence]:
    """Sentences that the run does not hold yet; overlap repeats whole sentences only."""
    return [sentence for sentence in sentences if sentence.start >= end]
