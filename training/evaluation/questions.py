"""A first evaluation set from the documents themselves, for a team that has no users yet.

Chunks are drawn evenly over the documents; a policy writes a question for each (asking.py); and what makes
a bad test is dropped and counted.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Protocol

from contract.access import PUBLIC
from contract.passage import Chunk, Passage
from contract.progress import Progress
from retrieval.retrieve import Retriever
from text.language import language_of
from text.terms import content_terms
from training.evaluation.asking import Written
from training.evaluation.closed import tokens

Row = dict[str, Any]

_AT_ONCE = 8
# Chunks that are tried for each question that is wanted, before giving up.
_TRIES = 4
# A chunk with fewer words (Chinese characters) says too little to ask about.
_LEAST_TOKENS = 20
_LONGEST_ANSWER = 40
# From this share of the same content words on, with the same numbers, two questions are one.
_SAME = 0.8
_PAGE = 200

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_POINTS_AT_TEXT = re.compile(
    r"\b(?:th(?:is|e) (?:passage|text|excerpt|paragraph|section|document)|(?:mentioned|described|stated) above)\b"
    r"|(?:这|该|本|上述|以上)(?:段|篇|份)?(?:材料|文本|文档|文章|段落|文字|文)",
    re.IGNORECASE,
)

NO_QUESTION = "the reply held no question and answer"
NOT_IN_PASSAGE = "the answer does not stand in the passage"
LONG = "the answer is a whole paragraph"
GIVEN_AWAY = "the question holds its answer"
OTHER_LANGUAGE = "the question is in another language than the passage"
POINTS_AT_TEXT = "the question speaks of a text that nobody sees"
DUPLICATE = "nearly the same question was there"
NOT_FOUND = "the question does not find its passage"


class Writer(Protocol):
    """What writes questions about chunks."""

    def write(self, chunks: Sequence[Chunk]) -> list[Written | None]:
        """A question for each chunk, or None."""


def write_questions(
    retriever: Retriever,
    writer: Writer,
    wanted: int,
    *,
    collection: str | None,
    seed: int,
    progress: Progress,
) -> tuple[list[Row], Counter[str]]:
    """Rows for `plumbline eval --prompts`, at most as many as wanted, and how often each reason dropped one.

    Only documents without labels are drawn from: a set of questions goes from hand to hand.

    Raises:
        PolicyUnavailable: the policy can't be asked.
        NotReady: there is no index.
    """
    rows: list[Row] = []
    dropped: Counter[str] = Counter()
    drawn = _drawn(retriever, collection, seed)
    for _ in range(0, _TRIES * wanted, _AT_ONCE):
        chunks = list(islice(drawn, _AT_ONCE))
        if not chunks or len(rows) >= wanted:
            break
        for chunk, written in zip(chunks, writer.write(chunks), strict=True):
            reason = fault(chunk, written, [row["question"] for row in rows])
            row = None
            if written is not None and not reason:
                row = _row(retriever, chunk, written, collection)
                reason = "" if row else NOT_FOUND
            if row is None:
                dropped[reason] += 1
            elif len(rows) < wanted:
                rows.append(row)
        progress("questions", len(rows), wanted)
    return rows, dropped


def fault(chunk: Chunk, written: Written | None, before: Sequence[str]) -> str:
    """Why a question is no good test, as far as it can be told without searching; empty for a good one."""
    if written is None:
        return NO_QUESTION
    answer, asked = tokens(written.answer), tokens(written.question)
    if not answer or not _holds(tokens(chunk.text), answer):
        return NOT_IN_PASSAGE
    tests = (
        (LONG, len(answer) > _LONGEST_ANSWER),
        (GIVEN_AWAY, _holds(asked, answer)),
        (OTHER_LANGUAGE, language_of(written.question) != language_of(chunk.text)),
        (POINTS_AT_TEXT, _POINTS_AT_TEXT.search(written.question) is not None),
        (DUPLICATE, any(_same(written.question, other) for other in before)),
    )
    return next((reason for reason, holds in tests if holds), "")


def _drawn(retriever: Retriever, collection: str | None, seed: int) -> Iterator[Chunk]:
    """One chunk of each document, in an order that is drawn; then a second one of each; and so on."""
    chance = random.Random(seed)
    documents = list(_documents(retriever, collection))
    chance.shuffle(documents)
    left: dict[str, list[int]] = {}
    while documents:
        for document in list(documents):
            chunks = retriever.document(document, access=PUBLIC)
            if document not in left:
                sized = [n for n, chunk in enumerate(chunks) if _says_enough(chunk)]
                left[document] = chance.sample(sized, len(sized))
            if not left[document]:
                documents.remove(document)
                continue
            yield chunks[left[document].pop()]


def _documents(retriever: Retriever, collection: str | None) -> Iterator[str]:
    after: str | None = None
    while found := retriever.documents(
        collection=collection, access=PUBLIC, after=after, limit=_PAGE
    ):
        yield from (document.id for document in found if document.chunks)
        after = found[-1].id


def _row(
    retriever: Retriever, chunk: Chunk, written: Written, collection: str | None
) -> Row | None:
    """The row, with the passages that a policy would be shown; None where those are others."""
    evidence = retriever.retrieve(written.question, collection=collection)
    own = [p for p in evidence.passages if _covers(p, chunk)]
    if not own:
        return None
    return {
        "id": f"{chunk.document_id}-{chunk.ordinal}",
        "question": written.question,
        "reference": written.answer,
        "passages": [passage.text for passage in evidence.passages],
        "cited": [passage.text for passage in own],
        "passage": chunk.text,
        "document": chunk.document,
        "language": language_of(written.question),
    }


def _covers(passage: Passage, chunk: Chunk) -> bool:
    inside = passage.start <= chunk.start and chunk.end <= passage.end
    return passage.document_id == chunk.document_id and inside


def _says_enough(chunk: Chunk) -> bool:
    return len(tokens(chunk.text)) >= _LEAST_TOKENS and language_of(chunk.text) != "other"


def _holds(text: Sequence[str], part: Sequence[str]) -> bool:
    """Do these tokens stand in the text, one after the other?"""
    size = len(part)
    return any(text[i : i + size] == part for i in range(len(text) - size + 1))


def _same(one: str, other: str) -> bool:
    if _NUMBER.findall(one) != _NUMBER.findall(other):
        return False
    a, b = set(content_terms(one)), set(content_terms(other))
    return len(a & b) >= _SAME * len(a | b)
