import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from contract.errors import ConfigurationError
from contract.settings import RetrievalSettings
from ingest.build import Ingest
from retrieval.retrieve import Retriever
from text.encoder import Encoder

TEXTS = {"a": "The lamp costs 48 pounds.", "b": "The lamp is green.", "c": "The lamp is old."}


@pytest.fixture
def index(tmp_path: Path, encoder: Encoder) -> Path:
    documents = tmp_path / "documents"
    documents.mkdir()
    for name, text in TEXTS.items():
        (documents / f"{name}.txt").write_text(text)
    Ingest(tmp_path / "index", encoder, RetrievalSettings()).run([documents], "default")
    return tmp_path / "index"


@contextmanager
def endpoint(reply: Callable[[dict[str, Any]], Any]) -> Iterator[tuple[str, list[Any]]]:
    """A real server that reranks by `reply`; yields its URL and what it was asked."""
    asked: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            asked.append((self.path, self.headers.get("authorization"), body))
            content = json.dumps(reply(body)).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", asked
    finally:
        server.shutdown()
        server.server_close()


def oldest_first(body: dict[str, Any]) -> dict[str, Any]:
    return {
        "results": [
            {"index": i, "relevance_score": float("old" in text)}
            for i, text in reversed(list(enumerate(body["documents"])))
        ]
    }


def test_an_endpoint_orders_the_hits(index: Path, encoder: Encoder) -> None:
    with endpoint(oldest_first) as (url, asked):
        settings = RetrievalSettings(rerank_url=url, rerank_model="m", rerank_api_key="key")
        hits = Retriever(index, encoder, settings).search("What does the lamp cost?")
    assert hits[0].chunk.text == TEXTS["c"]
    assert [h.score for h in hits] == sorted((h.score for h in hits), reverse=True)
    ((path, key, body),) = asked
    assert (path, key, body["model"]) == ("/v1/rerank", "Bearer key", "m")
    assert body["query"] == "What does the lamp cost?"


@pytest.mark.parametrize("reply", [{"error": "no"}, {"results": [{"index": 0}]}, []])
def test_where_it_fails_the_fused_order_stands_and_it_is_logged(
    index: Path, encoder: Encoder, caplog: pytest.LogCaptureFixture, reply: Any
) -> None:
    fused = Retriever(index, encoder, RetrievalSettings()).search("What does the lamp cost?")
    with endpoint(lambda _: reply) as (url, _), caplog.at_level(logging.WARNING):
        settings = RetrievalSettings(rerank_url=url)
        assert Retriever(index, encoder, settings).search("What does the lamp cost?") == fused
    assert "not reranked" in caplog.text


def test_a_server_that_is_away_costs_no_answer(index: Path, encoder: Encoder) -> None:
    settings = RetrievalSettings(rerank_url="http://127.0.0.1:9/v1")
    assert Retriever(index, encoder, settings).search("What does the lamp cost?")


def cross_encoder(folder: Path) -> str:
    """A tiny CrossEncoder with random weights."""
    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        *"what does the lamp cost costs is green old".split(),
    ]
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = {
        "unk_token": "[UNK]",
        "pad_token": "[PAD]",
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
    }
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        num_labels=1,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    return str(folder)


def test_a_cross_encoder_orders_the_hits_by_its_own_scores(
    index: Path, encoder: Encoder, tmp_path: Path
) -> None:
    from sentence_transformers import CrossEncoder

    name = cross_encoder(tmp_path / "checkpoint")
    question = "What does the lamp cost?"
    settings = RetrievalSettings(rerank_model=name, rerank_timeout_seconds=60)
    hits = Retriever(index, encoder, settings).search(question)
    pairs = [(question, f"{h.chunk.heading}\n{h.chunk.text}") for h in hits]
    scores = [float(s) for s in CrossEncoder(name, device="cpu").predict(pairs)]
    assert scores == sorted(scores, reverse=True)
    assert {h.chunk.text for h in hits} == set(TEXTS.values())


def test_a_model_that_is_none_is_an_error_at_start(tmp_path: Path, encoder: Encoder) -> None:
    (tmp_path / "empty").mkdir()
    settings = RetrievalSettings(rerank_model=str(tmp_path / "empty"))
    with pytest.raises(ConfigurationError, match="rerank_model"):
        Retriever(tmp_path, encoder, settings)
