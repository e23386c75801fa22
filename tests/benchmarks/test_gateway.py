"""The gateway's benchmark measures what it says: its engine, its load and its stand-ins are right."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from benchmarks.gateway import corpus
from benchmarks.gateway.cells import cell
from benchmarks.gateway.client import Connection, fetch, get, post
from benchmarks.gateway.engine import Script, tokens
from benchmarks.gateway.peers import BARE, bare
from benchmarks.gateway.serving import StoredVectors
from benchmarks.gateway.streams import seen_in
from benchmarks.gateway.targets import CHAT, engine
from benchmarks.gateway.windowed import exposed_of
from benchmarks.streaming_cases.plant import planted
from contract.settings import RetrievalSettings
from retrieval.retrieve import Retriever
from text.encoder import Encoder
from text.engines.folder import EMBEDDED, model_folder

TEXT = "The badge opens the door. 门禁卡可以开门。\n\n```\nx = 1\n```"


def test_what_a_client_gets_through_a_gateway_is_what_the_engine_was_given(tmp_path: Path) -> None:
    async def run() -> None:
        async with engine([Script("one"), Script(TEXT, 0.01, 0.001)], tmp_path) as upstream:
            async with bare(BARE, "httpx", upstream.port) as target:
                connection = Connection(target.server.port)
                streamed = await connection.ask(target.chat(seed=3, stream=True))
                whole = await fetch(target.server.port, target.chat(seed=1))
                measured = await cell(target, lambda number: target.chat(), 4, 0.0, least=40)
                connection.close()
            stats = await fetch(upstream.port, get("/stats"))
        assert seen_in(streamed).text == TEXT
        assert streamed.first is not None and streamed.first < streamed.seconds
        assert whole["choices"][0]["message"]["content"] == TEXT
        assert (measured.requests, measured.failed) == (40, 0)
        assert measured.cpu_ms > 0
        # The stream's last event came after the engine wrote it, on the same clock.
        assert streamed.sent < stats["finished"]["3"] <= streamed.pieces[-1][0]

    asyncio.run(run())


def test_a_caller_that_hangs_up_is_seen_by_the_engine(tmp_path: Path) -> None:
    async def run() -> None:
        async with engine([Script(TEXT, 0.0, 5.0)], tmp_path) as upstream:
            connection = Connection(upstream.port)
            body = {"messages": [], "stream": True}
            answer = await connection.ask(post(CHAT, body), until=lambda answer: True)
            await asyncio.sleep(0.2)
            stats = await fetch(upstream.port, get("/stats"))
        assert (answer.status, answer.whole) == (200, False)
        assert stats["aborted"] == 1

    asyncio.run(run())


def test_tokens_are_the_text() -> None:
    for case in planted()[::50]:
        assert "".join(tokens(case.text)) == case.text


def test_exposed_is_what_came_out_of_the_violating_sentence() -> None:
    case = planted()[40]
    length = case.end - case.start
    assert exposed_of(case, case.text[: case.start]) == 0
    assert exposed_of(case, case.text[: case.start + 3]) == 3
    assert exposed_of(case, case.text) == length
    assert exposed_of(case, "I can't help with that.") == 0


def test_stored_vectors_are_the_encoders(encoder: Encoder) -> None:
    stored = Encoder(engine=StoredVectors(model_folder(EMBEDDED)))
    texts, spans = ["Badges open doors. Lost ones cost ten euros."], [[(0, 18), (19, 44)]]
    (first,), (again,) = stored.encode(texts, spans), stored.encode(texts, spans)
    (real,) = encoder.encode(texts, spans)
    assert again is first
    assert stored.fingerprint == encoder.fingerprint
    assert first.vector == pytest.approx(real.vector)
    assert first.sentences == pytest.approx(real.sentences)


def test_questions_find_their_chunks_in_the_made_up_index(tmp_path: Path, encoder: Encoder) -> None:
    questions = corpus.make(tmp_path, encoder, 100, 10)
    retriever = Retriever(tmp_path, encoder, RetrievalSettings())
    for number, question in enumerate(questions):
        documents = [hit.chunk.document for hit in retriever.search(question, k=5)]
        assert f"{number}.txt" in documents
    retriever.close()
