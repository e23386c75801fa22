"""A turn becomes a verified answer: its answer, or a better one, with the passages that carry it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from contract.chat import ChatRequest
from contract.errors import Conflict, NotFound, RequestRejected
from contract.ids import uuid7
from contract.passage import Passage, Sources
from contract.verified import MakeVerified
from feedback.records import CompletionRecord
from feedback.verified import VerifiedRecord, correction_of, insert_verified, passages_of, taken
from rbrm.graders.grounding import MARK
from server.callers import Caller
from server.citations import cite
from server.follow_up import refers_back
from server.parts import Parts
from server.sight import seen
from server.verified.eligible import instructions_of
from server.verified.standing import passage_now
from text.language import reply_language
from text.questions.likeness import RULES, asked_as


async def make(body: MakeVerified, parts: Parts, caller: Caller) -> VerifiedRecord:
    """Store a verified answer; it serves from the next request on.

    Raises:
        NotFound: there is no such turn, correction or document, or the caller may not see it.
        RequestRejected: the turn can't carry one; the message says why.
        Conflict: its documents have changed since, or another one answers the question.
        StorageFailed: it could not be made durable.
    """
    turn = seen(parts.log, body.completion_id, caller)
    shown = passages_of(turn)
    _check(body, turn, shown, parts)
    answer, used = _cited(_words(body, turn, parts), shown)
    question = _question(body, turn)
    language = reply_language(question)
    documents = list(dict.fromkeys(passage["document_id"] for passage in used))
    sources = await parts.compute(partial(parts.retriever.sources, documents))
    _check_sources(used, sources, caller)
    instructions = _instructions(turn)
    asked = asked_as(question, language)
    if not asked.normal:
        raise RequestRejected("The question holds no words.", param="question")
    await parts.book.follow()
    other = parts.book.find(asked, (turn.collection, language, instructions), None)
    if other is not None:
        raise taken(other[0].id)
    record = VerifiedRecord(
        id=f"va-{uuid7()}",
        created=time.time(),
        collection=turn.collection,
        language=language,
        instructions=instructions,
        question=question,
        asked=asked.normal,
        forms=sorted(asked.forms),
        rules=RULES,
        answer=answer,
        passages=used,
        sources=[_source(d, used, sources) for d in documents],
        labels=_labels(turn, sources),
        made_by=caller.name,
        own_words=body.answer is not None or body.question is not None,
        completion_id=turn.id,
        feedback_id=body.feedback_id,
    )
    await parts.log.write(lambda connection: insert_verified(connection, record))
    return record


def _check(
    body: MakeVerified,
    turn: CompletionRecord,
    shown: Sequence[Mapping[str, Any]],
    parts: Parts,
) -> None:
    if turn.decision == "error":
        raise RequestRejected(
            f"The turn {turn.id!r} failed, so there is nothing in it to verify.",
            param="completion_id",
        )
    if not shown:
        raise RequestRejected(
            f"The turn {turn.id!r} was shown no passages of documents, so nothing could tell when its "
            "answer is out of date. Ask the question again with retrieval, and verify that turn.",
            param="completion_id",
        )
    if body.collection not in (None, turn.collection):
        raise RequestRejected(
            f"The passages of this turn are from the collection {turn.collection!r}, and not from "
            f"{body.collection!r}. Ask the question there, and verify that turn.",
            param="collection",
        )


def _words(body: MakeVerified, turn: CompletionRecord, parts: Parts) -> str:
    """The answer: as it was sent, else the correction, else the turn's own."""
    said = None
    if body.feedback_id is not None:
        with parts.log.reading() as connection:
            said = correction_of(connection, body.feedback_id)
        if said is None or said[0] != turn.id:
            raise RequestRejected(
                f"There is no correction {body.feedback_id!r} on {turn.id!r}. `GET /v1/feedback?"
                f"completion_id={turn.id}` lists what was said about it.",
                param="feedback_id",
            )
    if body.answer is not None:
        return body.answer.strip()
    if said is not None:
        return said[1].strip()
    message = (turn.reply.get("choices") or [{}])[0].get("message") or {}
    if turn.decision != "serve" or message.get("refusal") or not message.get("content"):
        raise RequestRejected(
            f"The turn {turn.id!r} gave no answer. Send the right one in `answer`, or the id of a "
            "correction in `feedback_id`.",
            param="answer",
        )
    return str(message["content"]).strip()


def _cited(words: str, shown: Sequence[dict[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
    """The answer and the passages that it cites, numbered anew from 1; of one that cites none, all that its
    turn was shown."""
    known = {passage["number"] for passage in shown}
    if unknown := [mark for mark in MARK.findall(words) if int(mark) not in known]:
        raise RequestRejected(
            f"The answer cites [{unknown[0]}], and its turn was shown the passages 1 to {max(known)}.",
            param="answer",
        )
    cited = cite(words, [Passage.of_wire(passage) for passage in shown])
    spans = [
        (a["url_citation"]["start_index"], a["url_citation"]["end_index"])
        for a in cited.annotations
    ]
    numbers = {int(cited.content[start + 1 : end - 1]) for start, end in spans}
    used = [p for p in shown if p["number"] in numbers] or list(shown)
    place = {passage["number"]: number for number, passage in enumerate(used, 1)}
    answer = cited.content
    for start, end in reversed(spans):
        answer = f"{answer[:start]}[{place[int(answer[start + 1 : end - 1])]}]{answer[end:]}"
    return answer, [passage | {"number": number} for number, passage in enumerate(used, 1)]


def _question(body: MakeVerified, turn: CompletionRecord) -> str:
    if body.question is not None:
        return body.question.strip()
    request = ChatRequest.model_validate(turn.request)
    if request.earlier and refers_back(turn.question):
        raise RequestRejected(
            f"{turn.question!r} leans on what was said before it. Send in `question` one that can be "
            "understood alone.",
            param="question",
        )
    return turn.question.strip()


def _instructions(turn: CompletionRecord) -> str:
    return instructions_of(ChatRequest.model_validate(turn.request))


def _check_sources(used: Iterable[Mapping[str, Any]], sources: Sources, caller: Caller) -> None:
    for passage in used:
        source = sources.documents.get(passage["document_id"])
        if source is not None and not caller.access.admits(source.labels):
            raise NotFound(
                f"There is no document {passage['document_id']!r} in the index.",
                param="completion_id",
            )
        if source is None or passage_now(passage, source) is None:
            what = "is no longer in the index" if source is None else "has changed"
            raise Conflict(
                f"{passage['document']} {what} since this turn, so its answer may be out of date. Ask the "
                "question again, and verify that turn.",
                param="completion_id",
            )


def _source(document: str, used: Iterable[Mapping[str, Any]], sources: Sources) -> dict[str, Any]:
    first = next(passage for passage in used if passage["document_id"] == document)
    return {
        "document_id": document,
        "path": first["document"],
        "title": first["title"],
        "content_hash": sources.documents[document].content_hash,
    }


def _labels(turn: CompletionRecord, sources: Sources) -> list[list[str]]:
    """Whoever may have the answer may see all that its turn was shown, and its sources as they are now."""
    groups = {tuple(group) for group in turn.labels}
    groups |= {source.labels for source in sources.documents.values() if source.labels}
    return [list(group) for group in sorted(groups)]
