"""Hits become passages: repeats out, neighbours joined."""

from __future__ import annotations

import re
from collections.abc import Sequence

from contract.passage import Chunk, Hit, Passage, Sentence
from retrieval.index import Index
from text.terms import terms

# Two texts are the same but for wording if they share this much of the shorter one's shingles.
_SAME_FROM, _SHINGLE = 0.9, 4
_NUMBER = re.compile(r"\d+")


def thinned(hits: Sequence[Hit]) -> list[Hit]:
    """Hits without those that repeat a better one: the same text, or nearly, with the same numbers."""
    kept: list[Hit] = []
    for hit in hits:
        if not any(_same(hit, other) for other in kept):
            kept.append(hit)
    return kept


def _same(one: Hit, other: Hit) -> bool:
    if " ".join(one.chunk.text.split()) == " ".join(other.chunk.text.split()):
        return True
    longer, shorter = sorted((len(one.chunk.text), len(other.chunk.text)), reverse=True)
    if shorter < 0.7 * longer or one.chunk.document_id == other.chunk.document_id:
        return False
    mine, theirs = _shingles(one.chunk.text), _shingles(other.chunk.text)
    if len(mine & theirs) < _SAME_FROM * max(1, min(len(mine), len(theirs))):
        return False
    return set(_NUMBER.findall(one.chunk.text)) == set(_NUMBER.findall(other.chunk.text))


def _shingles(text: str) -> set[tuple[str, ...]]:
    found = terms(text)
    return {tuple(found[i : i + _SHINGLE]) for i in range(max(1, len(found) - _SHINGLE + 1))}


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


def passage_of(index: Index, run: Sequence[Hit], number: int) -> Passage:
    """One passage from a run of neighbouring chunks, with what overlaps in it once."""
    best = max(run, key=lambda hit: hit.score)
    first = run[0].chunk
    text, sentences = first.text, list(index.sentences(first))
    end = first.end
    for hit in run[1:]:
        chunk = hit.chunk
        gap = "\n" if chunk.start > end else ""
        text += gap + chunk.text[max(0, end - chunk.start) :]
        sentences += _after(index.sentences(chunk), end)
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
