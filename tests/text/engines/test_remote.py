"""The remote encoder against a server that really listens, and against a real vLLM."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from contract.errors import ConfigurationError, EncoderUnavailable, IndexMismatch
from contract.settings import Settings
from ingest.build import Ingest
from rbrm.answer import Question
from rbrm.assembly import build_judge
from retrieval.index import Index
from tests.conftest import free_port, listening
from tests.engine import embedding_checkpoint, require_engine, vllm
from text.encoder import Encoder
from text.encoders import build_encoder


class Server:
    """An embeddings server whose vectors are hashes of words; it does what the test sets."""

    def __init__(self) -> None:
        self.url = ""
        self.width, self.salt = 24, ""
        self.asked: list[list[str]] = []
        self.keys: list[str | None] = []
        self.busy = 0
        self.answer: Any = None
        self.app = FastAPI()
        self.app.post("/v1/embeddings")(self.embeddings)

    async def embeddings(self, request: Request) -> JSONResponse:
        body = await request.json()
        self.keys.append(request.headers.get("authorization"))
        if self.busy:
            self.busy -= 1
            return JSONResponse({"error": {"message": "busy"}}, 429, {"retry-after": "0"})
        self.asked.append(body["input"])
        if self.answer is not None:
            return JSONResponse(*self.answer)
        data = [
            {"index": i, "embedding": self.vector(text)} for i, text in enumerate(body["input"])
        ]
        return JSONResponse({"data": data[::-1], "model": body["model"]})

    def vector(self, text: str) -> list[float]:
        row = np.full(self.width, 1e-3)
        for word in text.lower().replace(".", "").split():
            digest = hashlib.sha256((self.salt + word).encode()).digest()
            row += np.frombuffer(digest * 8, dtype=np.int8)[: self.width] / 50
        return [float(x) for x in row]


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    with listening(made.app) as url:
        made.url = f"{url}/v1"
        yield made


def settings(url: str, **changes: Any) -> Settings:
    named = {f"retrieval.{name}": value for name, value in changes.items()}
    base = {"retrieval.encoder_url": url, "retrieval.encoder": "some-model"}
    return Settings().replace(base | {"retrieval.encoder_timeout_seconds": 5} | named)


TEXTS = [f"{'word ' * (i % 7)}number {i}" for i in range(75)]


def test_vectors_come_in_order_in_batches_and_with_unit_length(server: Server) -> None:
    encoder = build_encoder(settings(server.url, encoder_api_key="sesame"))
    done: list[int] = []
    found = encoder.encode(TEXTS, progress=done.append)
    for text, encoding in zip(TEXTS, found, strict=True):
        true = np.asarray(server.vector(text))
        np.testing.assert_allclose(encoding.vector, true / np.linalg.norm(true), atol=1e-6)
    assert sum(done) == len(TEXTS)
    assert 1 < max(map(len, server.asked)) <= 32
    assert set(server.keys) == {"Bearer sesame"}


def test_a_busy_server_is_asked_again(server: Server) -> None:
    server.busy = 2
    assert build_encoder(settings(server.url)).encode(["hello"])[0].vector.shape == (24,)


def test_a_server_that_stays_busy_is_given_up_in_time(server: Server) -> None:
    server.busy = 1000
    started = time.monotonic()
    with pytest.raises(EncoderUnavailable, match="429: busy"):
        build_encoder(settings(server.url, encoder_timeout_seconds=1)).encode(["hello"])
    assert time.monotonic() - started < 20


def test_no_server_is_a_plain_sentence() -> None:
    url = f"http://127.0.0.1:{free_port()}/v1"
    with pytest.raises(EncoderUnavailable, match="can't be reached.*encoder_url"):
        build_encoder(settings(url, encoder_timeout_seconds=1)).encode_question("hello")


ONE = {"index": 0, "embedding": [1.0, 2.0]}


@pytest.mark.parametrize(
    "data",
    [
        [],
        [ONE | {"index": 1}],
        [ONE, ONE],
        [ONE | {"embedding": [0.0, 0.0]}],
        [ONE | {"embedding": ["a", "b"]}],
        [ONE | {"embedding": "AACAPw=="}],
        None,
    ],
)
def test_an_answer_that_is_no_vector_for_each_text_is_refused(server: Server, data: Any) -> None:
    server.answer = ({"data": data}, 200)
    with pytest.raises(EncoderUnavailable, match="one vector for each"):
        build_encoder(settings(server.url)).encode(["hello"])


def test_a_refusal_names_the_settings_to_look_at(server: Server) -> None:
    server.answer = ({"error": {"message": "no such model"}}, 404)
    with pytest.raises(ConfigurationError, match="no such model.*retrieval.encoder"):
        build_encoder(settings(server.url)).encode(["hello"])


def test_a_model_that_changes_its_width_is_noticed(server: Server) -> None:
    encoder = build_encoder(settings(server.url))
    encoder.encode(["hello"])
    server.width = 12
    with pytest.raises(EncoderUnavailable, match="12 numbers after one of 24"):
        encoder.encode(["hello again"])


def test_another_model_behind_the_same_name_has_another_fingerprint(
    server: Server, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("Cats sleep all day.", "utf-8")
    wanted = settings(server.url)
    encoder = build_encoder(wanted)
    Ingest(tmp_path / "index", encoder, wanted.retrieval).run([tmp_path / "a.txt"], "default")
    Index(tmp_path / "index", build_encoder(wanted)).close()
    server.salt = "other weights"
    with pytest.raises(IndexMismatch):
        Index(tmp_path / "index", build_encoder(wanted))


def test_the_last_digits_do_not_change_the_fingerprint(server: Server) -> None:
    before = build_encoder(settings(server.url)).fingerprint
    exact = server.vector
    server.vector = lambda text: [x * (1 + 1e-5 * (i % 3)) for i, x in enumerate(exact(text))]  # type: ignore[method-assign]
    assert build_encoder(settings(server.url)).fingerprint == before


def test_sentences_are_sent_only_where_that_is_wanted(server: Server) -> None:
    text, spans = "Cats sleep. Dogs bark.", [(0, 11), (12, 22)]
    without = build_encoder(settings(server.url)).encode([text], [spans])[0]
    assert without.sentences.shape == (2, 24)
    assert not without.sentences.any()
    having = build_encoder(settings(server.url, encoder_sentences=True)).encode([text], [spans])[0]
    dogs = np.asarray(server.vector("Dogs bark."))
    np.testing.assert_allclose(having.sentences[1], dogs / np.linalg.norm(dogs), atol=1e-6)


def test_prefixes_and_cutting(server: Server) -> None:
    changes = {"query_prefix": "query: ", "passage_prefix": "passage: ", "encoder_max_tokens": 32}
    encoder = build_encoder(settings(server.url, **changes))
    encoder.encode_question("hello")
    encoder.encode(["hello", "cat " * 500])
    sent = [text for batch in server.asked for text in batch]
    assert "query: hello" in sent
    assert "passage: hello" in sent
    assert "passage: " + "cat " * 29 + "cat" in sent


def test_it_reads_every_language_unless_the_settings_say_otherwise(server: Server) -> None:
    assert build_encoder(settings(server.url)).reads("年假可以结转到下一年吗？", 0.2)
    english = build_encoder(settings(server.url, encoder_languages=["en"]))
    assert not english.reads("年假可以结转到下一年吗？", 0.2)
    assert english.reads("May leave be carried over?", 0.2)


def test_the_judge_reads_with_the_embedded_encoder_all_the_same(server: Server, judge) -> None:
    question, answers = Question("How long is leave?"), ["Eighty days.", "You idiot."]
    mine = build_judge(Settings().judge, build_encoder(settings(server.url)))
    found = mine.judge(question, answers)
    assert [f.propositions for f in found] == [
        t.propositions for t in judge.judge(question, answers)
    ]
    assert server.asked == []


def test_a_real_vllm_gives_what_sentence_transformers_gives(
    tmp_path: Path, encoder: Encoder
) -> None:
    require_engine()
    model = embedding_checkpoint(tmp_path / "minilm-copy")
    flags = ("--runner", "pooling", "--max-model-len", "256")
    with vllm(model, free_port(), tmp_path / "log", *flags) as url:
        changes = {"encoder": model.name, "encoder_timeout_seconds": 60}
        remote = build_encoder(settings(f"{url}/v1", **changes))
        assert remote.dimensions == encoder.dimensions
        texts = ["Leave is 80 days.", "The canteen opens at noon, and closes late. " * 3]
        for mine, true in zip(remote.encode(texts), encoder.encode(texts), strict=True):
            assert mine.vector @ true.vector > 0.999
        wrong = build_encoder(settings(f"{url}/v1", encoder="gpt-9"))
        with pytest.raises(ConfigurationError, match="gpt-9"):
            wrong.encode(["hello"])
